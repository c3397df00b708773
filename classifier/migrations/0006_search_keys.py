"""Keys for lesion labels and file names, and those of patient codes anew: one form of one letter, ß apart from ss."""

from typing import Any

from django.db import migrations, transaction

from classifier.migrations._steps import Step
from classifier.models.search_keys import FoldedField, write_missing_keys
from skinsite.text import clean_line, fold_line

CODE_LENGTH = 40
ROOM = 110
"""Characters of a key before the number that tells it from others'; the column has 120."""


def write_keys(apps: Any, schema_editor: Any) -> None:
    """Write the keys of rows that are there already, in the database that is migrated."""
    alias = schema_editor.connection.alias
    patients = apps.get_model("classifier", "Patient").objects.using(alias)
    for clinic in list(patients.order_by("clinic").values_list("clinic", flat=True).distinct()):
        with transaction.atomic(using=alias):
            _write_codes(patients, clinic)
    write_missing_keys(apps.get_model("classifier", "Lesion"), "label", "label_key", using=alias)
    write_missing_keys(apps.get_model("classifier", "LesionImage"), "original_name", "name_key", using=alias)


def _write_codes(patients: Any, clinic: int) -> None:
    """Where several patients turn out to have one code, one is found by it and the others by a search, till renamed."""
    taken: set[str] = set()
    changed = []
    for patient in patients.filter(clinic=clinic).order_by("pk").select_for_update(of=("self",)):
        # A code of signs that no font shows gets one that can be read.
        code = clean_line(patient.code)[:CODE_LENGTH] or f"P-{patient.public_id.hex[:8].upper()}"
        key = _first_free(fold_line(code)[:ROOM], taken)
        taken.add(key)
        if (code, key) != (patient.code, patient.code_key):
            changed.append((patient.pk, code, key))
    # In two steps, since a key may be the one that another patient is about to leave; none begins with a blank.
    for pk, _code, _key in changed:
        patients.filter(pk=pk).update(code_key=f" {pk}")
    for pk, code, key in changed:
        patients.filter(pk=pk).update(code=code, code_key=key)


def _first_free(wanted: str, taken: set[str]) -> str:
    key, number = wanted, 1
    while key in taken:
        number += 1
        key = f"{wanted} ({number})"
    return key


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("classifier", "0005_defaults_in_the_database")]

    operations = [
        Step(migrations.AddField("lesion", "label_key", FoldedField(source="label", max_length=240))),
        Step(migrations.AddField("lesionimage", "name_key", FoldedField(source="original_name", max_length=360))),
        migrations.RunPython(write_keys, migrations.RunPython.noop),
    ]
