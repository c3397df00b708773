"""A migration, broken off after each of its steps and run again; a second open reading of a photograph in between.

Called with the migration's number; prints what came of each second reading.
"""

import sys
import uuid
from typing import Any

import django
from django.db import IntegrityError, connection
from django.db.migrations import RunPython
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

django.setup()


class BrokenOffError(Exception):
    """As by a lost connection."""


def main(number: str) -> None:
    """Run it, a step further each time."""
    (key,) = (key for key in MigrationLoader(connection).disk_migrations if key[0] == "classifier" and number in key[1])
    reading = write_reading()
    steps = 0
    while not run(key, steps):
        try:
            write_second(reading)
        except IntegrityError:
            print("refused", flush=True)
        else:
            print("written", flush=True)
        steps += 1


def run(key: tuple[str, str], steps: int) -> bool:
    """Run the migration as far as so many steps; whether that was all."""
    executor = MigrationExecutor(connection)
    migration = executor.loader.graph.nodes[key]
    is_all = steps > len(migration.operations)
    if not is_all:
        migration.operations = [*migration.operations[:steps], RunPython(break_off)]
    try:
        executor.migrate([key])
    except BrokenOffError:
        return False
    return True


def break_off(_apps: Any, _schema_editor: Any) -> None:
    """End where something failed."""
    raise BrokenOffError


def first_version(model: str, app: str = "classifier") -> Any:
    """Rows of a model as the first version writes them."""
    state = MigrationLoader(connection).project_state([("classifier", "0001_initial")])
    return state.apps.get_model(app, model).objects


def write_reading() -> Any:
    """An open reading of a photograph."""
    number = uuid.uuid4().hex
    clinic = first_version("Clinic", "accounts").create(name="Clinic", slug=number)
    patient = first_version("Patient").create(clinic_id=clinic.pk, code="P", code_key="p")
    image = first_version("LesionImage").create(
        lesion_id=first_version("Lesion").create(patient_id=patient.pk).pk,
        modality="dermoscopic",
        upload_sha256=number,
        stored_sha256="0" * 64,
        stored_name=f"images/{number}.jpg",
        stored_bytes=1,
        width=1,
        height=1,
    )
    return first_version("Prediction").create(image_id=image.pk, modality="dermoscopic", stored_sha256="0" * 64)


def write_second(reading: Any) -> None:
    """The same once more, which no version may ever write."""
    first_version("Prediction").create(
        image_id=reading.image_id, modality="dermoscopic", stored_sha256="0" * 64, public_id=uuid.uuid4()
    )


if __name__ == "__main__":
    main(sys.argv[1])
