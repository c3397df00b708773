"""Visits: a patient was seen, in person or by photographs alone."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classifier.models.patient import EXTERNAL_ID_LENGTH, Patient
from skinsite.accounts.actors import Actor
from skinsite.accounts.policies import may_see_records

PHOTOGRAPHER_LENGTH = 120


class Purpose(models.TextChoices):
    """What the photographs are for; statistics count care alone."""

    CARE = "care", _("Care")
    DEMONSTRATION = "demo", _("Demonstration")
    ARCHIVE = "archive", _("Archive")
    STUDY = "study", _("Study")


class Indication(models.TextChoices):
    """Why the patient came."""

    WORRIED = "worried", _("Patient worried")
    REFERRED = "referred", _("Referred")
    CHECK_UP = "check_up", _("Check-up")
    FOLLOW_UP = "follow_up", _("Follow-up")
    AFTER_TREATMENT = "after_treatment", _("After treatment")


class Scope(models.TextChoices):
    """How much was looked at."""

    ONE_LESION = "one_lesion", _("One lesion")
    SEVERAL = "several", _("Several lesions")
    WHOLE_SKIN = "whole_skin", _("Whole skin")


class Seen(models.TextChoices):
    """Whether whoever decides has the patient or photographs before them."""

    IN_PERSON = "in_person", _("In person")
    IMAGES_ONLY = "images_only", _("Images only")


class VisitQuerySet(models.QuerySet["Visit"]):
    """Visits, by who may see them."""

    def visible_to(self, actor: Actor) -> Self:
        """Visits of the patients of the actor's clinic."""
        return self.filter(patient__clinic=actor.clinic_id) if may_see_records(actor) else self.none()


class Visit(models.Model):
    """One visit of one patient; what is empty was not said.

    ``day`` is in the clinic's zone. What belongs to a visit does so by key: a corrected day moves nothing.
    """

    audit_subject = "patient"
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="visits")
    day = models.DateField(_("day"), default=timezone.localdate)
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose, default=Purpose.CARE)
    indication = models.CharField(_("indication"), max_length=20, choices=Indication, blank=True)
    scope = models.CharField(_("scope"), max_length=20, choices=Scope, blank=True)
    seen = models.CharField(_("seen"), max_length=20, choices=Seen, blank=True)
    photographed_by = models.CharField(_("photographed by"), max_length=PHOTOGRAPHER_LENGTH, blank=True)
    external_id = models.CharField(_("external identifier"), max_length=EXTERNAL_ID_LENGTH, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_by_service = models.ForeignKey(
        "accounts.ServiceAccount", null=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = VisitQuerySet.as_manager()

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "external_id"],
                condition=~models.Q(external_id=""),
                name="visit_external_id_once_per_patient",
            ),
            models.CheckConstraint(condition=models.Q(purpose__in=Purpose.values), name="visit_purpose_known"),
            models.CheckConstraint(
                condition=models.Q(indication__in=["", *Indication.values]), name="visit_indication_known"
            ),
            models.CheckConstraint(condition=models.Q(scope__in=["", *Scope.values]), name="visit_scope_known"),
            models.CheckConstraint(condition=models.Q(seen__in=["", *Seen.values]), name="visit_seen_known"),
        ]
        # A patient's visits, newest first.
        indexes = [models.Index(fields=["patient", "-day", "-id"], name="visit_newest")]

    def __str__(self) -> str:
        return self.day.isoformat()
