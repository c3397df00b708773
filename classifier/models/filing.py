"""Filing put right: lesions and patients that were two and are one, and what whoever had acted on it must be told."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classifier.models.image import REASON_LENGTH
from classifier.models.lesion import Lesion
from classifier.models.patient import Patient
from skinsite.accounts.actors import Actor
from skinsite.accounts.policies import may_see_records


class Merge(models.Model):
    """What two merges have in common.

    ``moved`` lists by public id, under the name of each kind of record, what the merge moved: undoing it moves back
    exactly these. It is undone at most once.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH)
    moved = models.JSONField(_("moved"), default=dict)
    made_at = models.DateTimeField(_("time"), default=timezone.now, editable=False)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    undone_reason = models.CharField(_("why undone"), max_length=REASON_LENGTH, blank=True)

    class Meta:
        abstract = True
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="%(class)s_reason_given"),
            models.CheckConstraint(condition=~Q(kept=F("merged")), name="%(class)s_of_two"),
            models.CheckConstraint(
                condition=Q(undone_at=None, undone_by=None, undone_reason="")
                | (Q(undone_at__isnull=False, undone_by__isnull=False) & ~Q(undone_reason="")),
                name="%(class)s_undone_whole",
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class LesionMergeQuerySet(models.QuerySet["LesionMerge"]):
    """Merges of lesions, by who may see them."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the lesions of the actor's clinic."""
        return self.filter(kept__patient__clinic=actor.clinic_id) if may_see_records(actor) else self.none()


class LesionMerge(Merge):
    """Two lesions of a patient are one, since then ``kept``."""

    audit_subject = "kept__patient"
    kept = models.ForeignKey(Lesion, on_delete=models.PROTECT, related_name="merges")
    merged = models.ForeignKey(Lesion, on_delete=models.PROTECT, related_name="+")

    objects = LesionMergeQuerySet.as_manager()

    class Meta(Merge.Meta):
        verbose_name = _("merge of lesions")
        verbose_name_plural = _("merges of lesions")


class PatientMergeQuerySet(models.QuerySet["PatientMerge"]):
    """Merges of patients, by who may see them."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the patients of the actor's clinic."""
        return self.filter(kept__clinic=actor.clinic_id) if may_see_records(actor) else self.none()


class PatientMerge(Merge):
    """Two patients are one, since then ``kept``."""

    audit_subject = "kept"
    kept = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="merges")
    merged = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")

    objects = PatientMergeQuerySet.as_manager()

    class Meta(Merge.Meta):
        verbose_name = _("merge of patients")
        verbose_name_plural = _("merges of patients")


class TaskKind(models.TextChoices):
    """What is to be done."""

    TELL_OF_WRONG_FILING = "tell_of_wrong_filing", _("Tell whoever acted on it: it was filed wrongly")


class TaskQuerySet(models.QuerySet["Task"]):
    """Tasks, by who may see them."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the patients of the actor's clinic."""
        return self.filter(patient__clinic=actor.clinic_id) if may_see_records(actor) else self.none()


class Task(models.Model):
    """Something that a person must do about a patient, until it is done."""

    audit_subject = "patient"
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("task"), max_length=30, choices=TaskKind)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="tasks")
    lesion = models.ForeignKey(Lesion, null=True, on_delete=models.PROTECT, related_name="tasks")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    because = models.CharField(_("reason"), max_length=REASON_LENGTH)
    opened_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=TaskKind.values), name="task_kind_known"),
            models.CheckConstraint(
                condition=Q(done_at=None, done_by=None) | Q(done_at__isnull=False, done_by__isnull=False),
                name="task_done_whole",
            ),
        ]
        indexes = [models.Index(fields=["person", "-id"], condition=Q(done_at=None), name="task_open")]

    def __str__(self) -> str:
        return str(self.get_kind_display())
