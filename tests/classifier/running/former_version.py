"""The first version, as far as it writes rows: clinics, photographs and their readings, until its input ends."""

import sys
import threading
import uuid

import django
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

django.setup()

ROWS_AFTER = 10


def main() -> None:
    """Write rows while the database is migrated, and after; print what came of each."""
    state = MigrationLoader(connection).project_state([("classifier", "0001_initial")])
    models = state.apps
    ended = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    left = ROWS_AFTER
    while left:
        left -= ended.is_set()
        number = uuid.uuid4().hex
        try:
            clinic = models.get_model("accounts", "Clinic").objects.create(name="Clinic", slug=number)
            patient = models.get_model("classifier", "Patient").objects.create(clinic=clinic, code="P", code_key="p")
            lesion = models.get_model("classifier", "Lesion").objects.create(patient=patient)
            image = models.get_model("classifier", "LesionImage").objects.create(
                lesion=lesion,
                modality="dermoscopic",
                upload_sha256=number,
                stored_sha256="0" * 64,
                stored_name=f"images/{number}.jpg",
                stored_bytes=1,
                width=1,
                height=1,
            )
            models.get_model("classifier", "Prediction").objects.create(
                image=image, modality="dermoscopic", stored_sha256="0" * 64
            )
        except DatabaseError as error:
            print(error, flush=True)
        else:
            print("written", flush=True)
        ended.wait(0.02)


if __name__ == "__main__":
    main()
