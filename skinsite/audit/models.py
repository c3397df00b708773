"""The one audit trail: append-only, written by services, in the same transaction as what it tells.

An event is a row that never changes, and beside it what it says (`AuditPayload`) and which records it gave out
(`AuditSubject`). The row holds a salted hash of both: whoever has to erase what was said removes the payload, salt and
all, and the row still stands in its chain.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class EventKind(models.TextChoices):
    """Whether something changed, was only looked at, or was refused."""

    CHANGE = "change", _("Change")
    ACCESS = "access", _("Access")
    REFUSAL = "refusal", _("Refusal")


class AuditEvent(models.Model):
    """Who did what to which object, and when. Names are copied, so that an event outlives what it is about.

    ``actor`` is a person, ``service`` a program of the clinic's own; both are None for the system. ``payload_sha256``
    is of salt, details and subjects, as ``AuditPayload.digest`` says; it is empty for an event that the version before
    wrote while the database was migrated.
    """

    at = models.DateTimeField(_("time"), default=timezone.now, db_index=True)
    kind = models.CharField(_("kind"), max_length=10, choices=EventKind)
    action = models.CharField(_("action"), max_length=60)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    actor_email = models.EmailField(_("actor"), blank=True)
    service = models.ForeignKey("accounts.ServiceAccount", null=True, on_delete=models.PROTECT, related_name="+")
    actor_name = models.CharField(_("actor"), max_length=120, blank=True, default="", db_default="")
    clinic = models.ForeignKey("accounts.Clinic", null=True, on_delete=models.PROTECT, related_name="+")
    object_type = models.CharField(_("object"), max_length=60, blank=True)
    object_id = models.CharField(_("object id"), max_length=64, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    payload_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["clinic", "-at"], name="audit_clinic_at"),
            models.Index(fields=["object_type", "object_id"], name="audit_object"),
            # What a person did, and what was refused: pages of either are found without looking at anything else.
            models.Index(fields=["actor", "-at", "-id"], name="audit_actor_at"),
            models.Index(fields=["clinic", "-at", "-id"], condition=models.Q(kind="refusal"), name="audit_refusal_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action}"

    @property
    def details(self) -> dict[str, Any]:
        """What was recorded with it; empty once that has been erased. A list takes ``select_related("payload")``."""
        try:
            found: dict[str, Any] = json.loads(self.payload.details)
        except AuditPayload.DoesNotExist:
            return {}
        return found


class AuditPayload(models.Model):
    """What an event says, apart from the row that stays for good: ``details`` is the text of a JSON object."""

    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, primary_key=True, related_name="payload")
    salt = models.CharField(max_length=32, editable=False)
    # Text and no JSON column: PostgreSQL writes numbers anew, and the hash is of what stands here.
    details = models.TextField(_("details"))

    class Meta:
        verbose_name = _("details of an event")
        verbose_name_plural = _("details of events")

    def __str__(self) -> str:
        return self.details

    def digest(self, subjects: Iterable[tuple[str, str]]) -> str:
        """SHA-256, in hexadecimal, of salt, details and the event's subjects, each by type and id, in any order.

        Salt and details have no line break of their own, types and ids none either: each stands on its own line.
        """
        lines = [self.salt, self.details, *sorted(f"{kind} {identifier}" for kind, identifier in subjects)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class Warrant(models.Model):
    """Leave to erase or blank one row that the database keeps otherwise, until it expires; the triggers look it up.

    It is itself kept for good. ``object_id`` is the row's public id, or its primary key where it has none.
    """

    object_type = models.CharField(_("object"), max_length=60)
    object_id = models.CharField(_("object id"), max_length=64)
    asker = models.CharField(_("asked for by"), max_length=254)
    executor = models.CharField(_("carried out by"), max_length=254)
    reason = models.CharField(_("reason"), max_length=500)
    issued_at = models.DateTimeField(_("time"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))

    class Meta:
        verbose_name = _("warrant")
        verbose_name_plural = _("warrants")
        indexes = [models.Index(fields=["object_type", "object_id"], name="warrant_object")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(object_type="")
                & ~models.Q(object_id="")
                & ~models.Q(asker="")
                & ~models.Q(executor="")
                & ~models.Q(reason=""),
                name="warrant_says_who_and_why",
            )
        ]

    def __str__(self) -> str:
        return f"{self.object_type} {self.object_id}"


class AuditSubject(models.Model):
    """A record that an event gave out or shows to have been touched: what "who saw this patient" is answered by."""

    pk = models.CompositePrimaryKey("event_id", "record_type", "record_id")
    # The primary key begins with the event, which needs no index of its own.
    event = models.ForeignKey(AuditEvent, on_delete=models.PROTECT, related_name="subjects", db_index=False)
    record_type = models.CharField(max_length=60)
    record_id = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("record of an event")
        verbose_name_plural = _("records of events")
        indexes = [models.Index(fields=["record_id", "record_type", "event"], name="audit_subject_record")]

    def __str__(self) -> str:
        return f"{self.record_type} {self.record_id}"


class StrangersRefused(models.Model):
    """How many requests of people who are not signed in were refused in a minute, by the status of the answer.

    No event: whoever is not signed in must not be able to fill the trail. Rows count up, and go after some months.
    """

    minute = models.DateTimeField(_("time"))
    status = models.PositiveSmallIntegerField(_("status"))
    count = models.PositiveIntegerField(_("requests"))

    class Meta:
        verbose_name = _("refusals of strangers")
        verbose_name_plural = _("refusals of strangers")
        ordering = ["-minute", "status"]
        constraints = [models.UniqueConstraint(fields=["minute", "status"], name="strangers_refused_once_a_minute")]

    def __str__(self) -> str:
        return f"{self.minute:%Y-%m-%d %H:%M} {self.status}: {self.count}"


class AuditSeal(models.Model):
    """An event's link in its chain: the ``number`` after the one before, whose hash goes into this one's.

    There is a chain a clinic, and one, 0, of events without a clinic. A sealer writes seals after the events, so that
    whoever writes an event waits for nobody.
    """

    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, primary_key=True, related_name="seal")
    chain = models.BigIntegerField()
    number = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("seal of an event")
        verbose_name_plural = _("seals of events")
        # Two sealers at once: the one that comes second is refused.
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="seal_number_once")]

    def __str__(self) -> str:
        return f"{self.chain}/{self.number}/{self.sha256}"


class AuditCheckpoint(models.Model):
    """How far a chain has been verified: `doctor` goes on from here, `verify_trail` from the beginning."""

    chain = models.BigIntegerField(primary_key=True)
    number = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    verified_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("verified part of a chain")
        verbose_name_plural = _("verified parts of chains")

    def __str__(self) -> str:
        return f"{self.chain}/{self.number}/{self.sha256}"
