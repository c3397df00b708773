"""What a clinic says of the lesions that it photographs."""

from decimal import Decimal
from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Clinic

LEAST_MALIGNANT, MOST_MALIGNANT = Decimal("0.1"), Decimal(50)
MALIGNANT_RANGE = _("Give a share from 0.1 to 50 per cent.")


class ClinicPracticeQuerySet(models.QuerySet["ClinicPractice"]):
    """What clinics say, by who may see it."""

    def visible_to(self, actor: Actor) -> Self:
        """What the actor's clinic says."""
        return self.filter(clinic=actor.clinic_id)


class ClinicPractice(models.Model):
    """What a clinic says; where it has no row, it has said nothing and the defaults hold.

    ``malignant_percent`` is how many of a hundred lesions that it photographs are malignant, as far as it knows.
    """

    clinic = models.OneToOneField(Clinic, on_delete=models.CASCADE, primary_key=True, related_name="practice")
    malignant_percent = models.DecimalField(
        _("malignant lesions, per cent"),
        max_digits=3,
        decimal_places=1,
        default=Decimal("3.0"),
        db_default=Decimal("3.0"),
        validators=[
            MinValueValidator(LEAST_MALIGNANT, MALIGNANT_RANGE),
            MaxValueValidator(MOST_MALIGNANT, MALIGNANT_RANGE),
        ],
    )

    objects = ClinicPracticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("clinic's practice")
        verbose_name_plural = _("clinics' practice")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(malignant_percent__range=(LEAST_MALIGNANT, MOST_MALIGNANT)),
                name="practice_malignant_percent_in_range",
            )
        ]

    def __str__(self) -> str:
        return str(self.clinic)
