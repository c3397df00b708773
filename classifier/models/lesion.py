"""Lesions: what is photographed, perhaps many times over the years."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classifier.models.patient import Patient
from classifier.models.search_keys import FoldedField
from skinsite.accounts.actors import Actor
from skinsite.accounts.policies import may_see_records

LABEL_LENGTH = 80


class BodySite(models.TextChoices):
    """Where on the body: HAM10000's localisations."""

    SCALP = "scalp", _("Scalp")
    FACE = "face", _("Face")
    EAR = "ear", _("Ear")
    NECK = "neck", _("Neck")
    CHEST = "chest", _("Chest")
    ABDOMEN = "abdomen", _("Abdomen")
    BACK = "back", _("Back")
    TRUNK = "trunk", _("Trunk")
    UPPER_EXTREMITY = "upper_extremity", _("Upper extremity")
    HAND = "hand", _("Hand")
    LOWER_EXTREMITY = "lower_extremity", _("Lower extremity")
    FOOT = "foot", _("Foot")
    ACRAL = "acral", _("Palm or sole")
    GENITAL = "genital", _("Genital")
    UNKNOWN = "unknown", _("Not stated")


class LesionQuerySet(models.QuerySet["Lesion"]):
    """Lesions, by who may see them."""

    def visible_to(self, actor: Actor) -> Self:
        """Lesions of the patients of the actor's clinic."""
        return self.filter(patient__clinic=actor.clinic_id) if may_see_records(actor) else self.none()


class Lesion(models.Model):
    """One lesion of one patient."""

    audit_subject = "patient"
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="lesions")
    body_site = models.CharField(_("body site"), max_length=20, choices=BodySite, default=BodySite.UNKNOWN)
    label = models.CharField(
        _("label"), max_length=LABEL_LENGTH, blank=True, help_text=_("For telling it from the patient's other lesions.")
    )
    label_key = FoldedField(source="label", max_length=3 * LABEL_LENGTH)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = LesionQuerySet.as_manager()

    class Meta:
        verbose_name = _("lesion")
        verbose_name_plural = _("lesions")
        constraints = [
            models.CheckConstraint(condition=models.Q(body_site__in=BodySite.values), name="lesion_body_site_known")
        ]

    def __str__(self) -> str:
        return self.label or str(self.get_body_site_display())
