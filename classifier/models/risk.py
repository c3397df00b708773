"""What makes a patient's lesions likelier to be malignant, as it was known on a day; said anew when it changes."""

from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classifier.models.patient import Patient
from skinsite.accounts.actors import Actor
from skinsite.accounts.policies import may_see_records

VALUE_LENGTH = 10


class RiskKind(models.TextChoices):
    """What is said."""

    SKIN_TYPE = "skin_type", _("Skin type (Fitzpatrick)")
    OWN_MELANOMA = "own_melanoma", _("Melanoma before")
    FAMILY_MELANOMA = "family_melanoma", _("Melanoma in the family")
    IMMUNOSUPPRESSED = "immunosuppressed", _("Immunosuppressed")


class SkinType(models.TextChoices):
    """Fitzpatrick's skin types."""

    I = "I", "I"  # noqa: E741 Fitzpatrick's own name
    II = "II", "II"
    III = "III", "III"
    IV = "IV", "IV"
    V = "V", "V"
    VI = "VI", "VI"


class YesNo(models.TextChoices):
    """The answer to what was asked; what was not asked has no row."""

    YES = "yes", _("Yes")
    NO = "no", _("No")
    UNKNOWN = "unknown", _("Not known")


class RiskFactorQuerySet(models.QuerySet["RiskFactor"]):
    """Risk factors, by who may see them."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the patients of the actor's clinic."""
        return self.filter(patient__clinic=actor.clinic_id) if may_see_records(actor) else self.none()

    def of_patient(self, patient: Patient) -> Self:
        """Those of a patient, and of everybody who was merged into them, which stay where they were said; the latest
        first."""
        people, newly = {patient.pk}, {patient.pk}
        while newly:
            newly = set(Patient.objects.filter(merged_into__in=newly).values_list("pk", flat=True)) - people
            people |= newly
        return self.filter(patient__in=people).order_by("-known_on", "-pk")


class RiskFactor(models.Model):
    """One answer about one patient; the latest of a kind holds. Append-only: what was known then stays known.

    ``value`` is of `SkinType` for the skin type and of `YesNo` for the rest.
    """

    audit_subject = "patient"
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="risk_factors")
    kind = models.CharField(_("risk factor"), max_length=20, choices=RiskKind)
    value = models.CharField(_("answer"), max_length=VALUE_LENGTH)
    known_on = models.DateField(_("as of"))
    recorded_at = models.DateTimeField(_("time"), default=timezone.now, editable=False)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = RiskFactorQuerySet.as_manager()

    class Meta:
        verbose_name = _("risk factor")
        verbose_name_plural = _("risk factors")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind=RiskKind.SKIN_TYPE, value__in=SkinType.values)
                | (models.Q(kind__in=RiskKind.values, value__in=YesNo.values) & ~models.Q(kind=RiskKind.SKIN_TYPE)),
                name="risk_factor_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.value}"
