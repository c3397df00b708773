"""Readings of lesions: an examination's dermoscopic photographs read together by one model, kept unchanged."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classifier.models.examination import Examination
from classifier.models.model_version import ModelVersion
from classifier.models.prediction import Outcome
from ml.serve import pool
from skinsite.accounts.actors import Actor
from skinsite.accounts.policies import may_see_records

SEVERITY = tuple(map(Outcome, pool.SEVERITY))
"""Outcomes from the least severe to the most; *not assessable* has no rank."""

SHOWN_BEFORE = "shown_before"
"""The reason of an outcome that photographs added later would have lowered."""

NOT_READ, OTHER_MODEL = "not_read", "other_model"
"""Why a photograph is left out that no model could read, or that another model read."""


def find_severity(outcome: str | None) -> int:
    """The rank of an outcome, from 0 for *low risk* on; -1 for what has none."""
    return SEVERITY.index(Outcome(outcome)) if outcome in SEVERITY else -1


class LesionReadingQuerySet(models.QuerySet["LesionReading"]):
    """Readings of lesions, by who may see them and which of them holds."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the examinations of the actor's clinic."""
        is_of_clinic = Q(examination__visit__patient__clinic=actor.clinic_id)
        return self.filter(is_of_clinic) if may_see_records(actor) else self.none()

    def in_force(self) -> Self:
        """What holds: the others are superseded, or of examinations that are void."""
        return self.filter(examination__reading=F("pk"))


class LesionReading(models.Model):
    """The reading of one examination by one model.

    It is inserted whole in the transaction that finishes the last open reading of its photographs; a database trigger
    refuses every UPDATE. ``inputs`` names each photograph's reading: ``{"prediction": public id, "weight": share of the
    pool, "left_out": code, empty for what was pooled}``; ``inputs_sha256`` is of them. ``probabilities`` are in the
    order of ``classes``. ``named`` are public ids of the photographs that ``reason`` speaks of. ``kept_from`` is the
    outcome that was shown before and that photographs added since do not lower.
    """

    audit_subject = "examination__visit__patient"
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    examination = models.ForeignKey(Examination, on_delete=models.PROTECT, related_name="readings")
    model_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="lesion_readings"
    )
    bundle_sha256 = models.CharField(_("bundle hash"), max_length=64, blank=True)
    inputs = models.JSONField(_("photographs read"))
    inputs_sha256 = models.CharField(max_length=64)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome)
    reason = models.CharField(_("reason"), max_length=60)
    named = models.JSONField(_("photographs named"), default=list, blank=True)
    kept_from = models.CharField(_("shown before"), max_length=20, choices=Outcome, blank=True)
    malignant_probability = models.FloatField(_("malignant sum"), null=True, blank=True)
    probabilities = models.JSONField(_("probabilities"), null=True, blank=True)
    classes = models.JSONField(_("classes"), null=True, blank=True)
    thresholds = models.JSONField(_("thresholds in force"), null=True, blank=True)
    prediction_set = models.JSONField(_("prediction set"), null=True, blank=True)
    created_at = models.DateTimeField(_("time"), default=timezone.now, editable=False)

    objects = LesionReadingQuerySet.as_manager()

    class Meta:
        verbose_name = _("lesion reading")
        verbose_name_plural = _("lesion readings")
        constraints = [
            models.UniqueConstraint(
                fields=["examination", "model_version", "inputs_sha256"],
                condition=Q(model_version__isnull=False),
                name="lesion_reading_once",
            ),
            models.UniqueConstraint(
                fields=["examination", "inputs_sha256"],
                condition=Q(model_version=None),
                name="lesion_reading_not_run_once",
            ),
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="lesion_reading_outcome_known"),
            models.CheckConstraint(
                condition=Q(kept_from__in=["", *Outcome.values]), name="lesion_reading_kept_from_known"
            ),
            models.CheckConstraint(condition=~Q(reason="") & ~Q(inputs_sha256=""), name="lesion_reading_whole"),
            models.CheckConstraint(
                condition=Q(probabilities__isnull=True, malignant_probability=None)
                | Q(probabilities__isnull=False, malignant_probability__range=(0, 1), model_version__isnull=False),
                name="lesion_reading_sum_with_probabilities",
            ),
        ]
        # An examination's readings, newest first.
        indexes = [models.Index(fields=["examination", "-id"], name="lesion_reading_newest")]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def shows_probabilities(self) -> bool:
        """Whether there are probabilities to tell: where nothing was pooled, the reason stands alone."""
        return self.probabilities is not None

    @property
    def severity(self) -> int:
        """From 0 for *low risk* on; -1 for what has no rank."""
        return find_severity(self.outcome)

    @property
    def is_in_force(self) -> bool:
        """Whether it is what the examination's photographs now give."""
        return self.examination.reading_id == self.pk


class ReadingShownQuerySet(models.QuerySet["ReadingShown"]):
    """Who was shown what, by who may see it."""

    def visible_to(self, actor: Actor) -> Self:
        """Of the examinations of the actor's clinic."""
        is_of_clinic = Q(examination__visit__patient__clinic=actor.clinic_id)
        return self.filter(is_of_clinic) if may_see_records(actor) else self.none()


class ReadingShown(models.Model):
    """When a person, or a program, was first shown what a model says of an examination."""

    audit_subject = "examination__visit__patient"
    examination = models.ForeignKey(Examination, on_delete=models.CASCADE, related_name="shown_to")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    service = models.ForeignKey("accounts.ServiceAccount", null=True, on_delete=models.PROTECT, related_name="+")
    shown_at = models.DateTimeField(_("first shown"), default=timezone.now, editable=False)

    objects = ReadingShownQuerySet.as_manager()

    class Meta:
        verbose_name = _("first sight of a reading")
        verbose_name_plural = _("first sights of readings")
        constraints = [
            models.UniqueConstraint(
                fields=["examination", "person"], condition=Q(person__isnull=False), name="shown_once_to_a_person"
            ),
            models.UniqueConstraint(
                fields=["examination", "service"], condition=Q(service__isnull=False), name="shown_once_to_a_service"
            ),
            models.CheckConstraint(
                condition=Q(person=None, service__isnull=False) | Q(person__isnull=False, service=None),
                name="shown_to_one",
            ),
        ]

    def __str__(self) -> str:
        return str(self.shown_at)
