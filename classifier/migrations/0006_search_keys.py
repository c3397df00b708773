"""Keys for lesion labels and file names, and those of patient codes anew: one form of one letter, ß apart from ss."""

from typing import Any

from django.db import migrations

import classifier.models.folded
from skinsite.text import clean_line, fold_line

ROWS = 500


def write_keys(apps: Any, _schema_editor: Any) -> None:
    """Write the keys of rows that are there already."""
    _write_codes(apps.get_model("classifier", "Patient"))
    for model, text, key in (("Lesion", "label", "label_key"), ("LesionImage", "original_name", "name_key")):
        _write_lines(apps.get_model("classifier", model), text, key)


def _write_lines(model: Any, text: str, key: str) -> None:
    rows = []
    for row in model.objects.exclude(**{text: ""}).order_by("pk").only(text, key).iterator(ROWS):
        setattr(row, text, clean_line(getattr(row, text)))
        setattr(row, key, fold_line(getattr(row, text)))
        rows.append(row)
        if len(rows) == ROWS:
            model.objects.bulk_update(rows, [text, key])
            rows = []
    model.objects.bulk_update(rows, [text, key])


def _write_codes(model: Any) -> None:
    """Where several patients turn out to have one code, one is found by it and the others by a search, till renamed."""
    taken: set[tuple[int, str]] = set()
    for patient in list(model.objects.order_by("pk").only("clinic_id", "code", "code_key")):
        wanted = key = fold_line(patient.code)[:110]
        number = 1
        while (patient.clinic_id, key) in taken or _another_has(model, patient, key):
            number += 1
            key = f"{wanted} ({number})"
        taken.add((patient.clinic_id, key))
        code = clean_line(patient.code)
        if (code, key) != (patient.code, patient.code_key):
            model.objects.filter(pk=patient.pk).update(code=code, code_key=key)


def _another_has(model: Any, patient: Any, key: str) -> bool:
    if key == patient.code_key:
        return False
    return bool(model.objects.filter(clinic=patient.clinic_id, code_key=key).exclude(pk=patient.pk).exists())


class Migration(migrations.Migration):
    dependencies = [("classifier", "0005_defaults_in_the_database")]

    operations = [
        migrations.AddField(
            "lesion",
            "label_key",
            classifier.models.folded.FoldedField(source="label", max_length=240),
        ),
        migrations.AddField(
            "lesionimage",
            "name_key",
            classifier.models.folded.FoldedField(source="original_name", max_length=360),
        ),
        migrations.RunPython(write_keys, migrations.RunPython.noop),
    ]
