"""Patients, known here by a code of the clinic's and by no name."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from skinsite.accounts.actors import Actor
from skinsite.accounts.policies import may_see_records

CODE_LENGTH = 40
CODE_KEY_LENGTH = 3 * CODE_LENGTH  # folding may make more characters of one
EXTERNAL_ID_LENGTH = 120


class Sex(models.TextChoices):
    """Sex as HAM10000 and the ISIC Archive record it."""

    FEMALE = "female", _("Female")
    MALE = "male", _("Male")
    UNKNOWN = "unknown", _("Unknown")


class PatientQuerySet(models.QuerySet["Patient"]):
    """Patients, by who may see them."""

    def visible_to(self, actor: Actor) -> Self:
        """Patients of the actor's clinic."""
        return self.filter(clinic=actor.clinic_id) if may_see_records(actor) else self.none()


class Patient(models.Model):
    """A person under the code that the clinic gives; who it is stays in the clinic's own records.

    ``code_key`` is the code as ``fold_line`` writes it, by which it is looked up and by which no two are the same.
    ``external_id`` is what another system calls the patient. ``lesion_count_ever`` is the highest number that a lesion
    of the patient has had: numbers are never used again. One that was merged is kept, and named by ``merged_into``.
    """

    trail_address = "trail-patient"
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="patients")
    code = models.CharField(_("patient code"), max_length=CODE_LENGTH)
    code_key = models.CharField(max_length=CODE_KEY_LENGTH, editable=False)
    sex = models.CharField(_("sex"), max_length=10, choices=Sex, default=Sex.UNKNOWN)
    birth_year = models.PositiveSmallIntegerField(_("year of birth"), null=True, blank=True)
    external_id = models.CharField(_("external identifier"), max_length=EXTERNAL_ID_LENGTH, blank=True)
    lesion_count_ever = models.PositiveSmallIntegerField(default=0, editable=False)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged", editable=False
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = PatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        constraints = [
            models.UniqueConstraint(fields=["clinic", "code_key"], name="patient_code_once_per_clinic"),
            models.UniqueConstraint(
                fields=["clinic", "external_id"],
                condition=~models.Q(external_id=""),
                name="patient_external_id_once_per_clinic",
            ),
            models.CheckConstraint(condition=models.Q(sex__in=Sex.values), name="patient_sex_known"),
            models.CheckConstraint(condition=~models.Q(code="") & ~models.Q(code_key=""), name="patient_code_given"),
            models.CheckConstraint(
                condition=models.Q(merged_into=None) | ~models.Q(merged_into=models.F("pk")),
                name="patient_not_merged_into_itself",
            ),
        ]

    def __str__(self) -> str:
        return self.code
