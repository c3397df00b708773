"""What a clinic says of its practice, out of the row of the clinic into one of the domain's own."""

from decimal import Decimal
from typing import Any

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

DEFAULT = Decimal("3.0")


def copy_from_clinics(apps: Any, schema_editor: Any) -> None:
    """Take over what clinics have set; the default is as good as nothing said."""
    alias = schema_editor.connection.alias
    clinics = apps.get_model("accounts", "Clinic").objects.using(alias)
    practices = apps.get_model("classifier", "ClinicPractice").objects.using(alias)
    for pk, share in clinics.exclude(malignant_percent=DEFAULT).values_list("pk", "malignant_percent"):
        practices.create(clinic_id=pk, malignant_percent=share)


def copy_to_clinics(apps: Any, schema_editor: Any) -> None:
    """Give it back."""
    alias = schema_editor.connection.alias
    clinics = apps.get_model("accounts", "Clinic").objects.using(alias)
    practices = apps.get_model("classifier", "ClinicPractice").objects.using(alias)
    for pk, share in practices.values_list("pk", "malignant_percent"):
        clinics.filter(pk=pk).update(malignant_percent=share)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_time_zones"), ("classifier", "0006_search_keys")]
    # Which forgets the former place.
    run_before = [("accounts", "0005_without_malignant_percent")]

    operations = [
        migrations.CreateModel(
            name="ClinicPractice",
            fields=[
                (
                    "clinic",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="practice",
                        serialize=False,
                        to="accounts.clinic",
                    ),
                ),
                (
                    "malignant_percent",
                    models.DecimalField(
                        db_default=Decimal("3.0"),
                        decimal_places=1,
                        default=Decimal("3.0"),
                        max_digits=3,
                        validators=[
                            django.core.validators.MinValueValidator(
                                Decimal("0.1"), "Give a share from 0.1 to 50 per cent."
                            ),
                            django.core.validators.MaxValueValidator(
                                Decimal("50"), "Give a share from 0.1 to 50 per cent."
                            ),
                        ],
                        verbose_name="malignant lesions, per cent",
                    ),
                ),
            ],
            options={
                "verbose_name": "clinic's practice",
                "verbose_name_plural": "clinics' practice",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("malignant_percent__range", (Decimal("0.1"), Decimal("50")))),
                        name="practice_malignant_percent_in_range",
                    )
                ],
            },
        ),
        migrations.RunPython(copy_from_clinics, copy_to_clinics),
    ]
