"""The states of a reading: made, claimed, finished; every step a conditional UPDATE from the step before.

A worker that dies leaves a running reading behind. Its claim is a lease: when it has expired, anybody may claim the
reading again, until the attempts are used up. Whoever finishes must still hold the claim, so that two workers can never
both write a reading.

Each function changes the reading at hand as it changes the row. What the database's clock writes is read from it when
it is asked for.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from classifier import audit
from classifier.models import Examination, LesionImage, Modality, ModelVersion, Outcome, Prediction, Status
from classifier.services.readings.lesion import conclude
from skinsite.accounts.actors import Actor
from skinsite.audit.events import written_together
from skinsite.audit.models import AuditEvent

LEASE_MARGIN_SECONDS = 5
NOT_RUN_REASON = "clinical_photograph"
BYTES_LOST = ("stored_image_missing", "stored_image_changed")
"""Failures that sending the photograph again may mend."""


def create(*, actor: Actor | None, image: LesionImage, claimed_for: ModelVersion | None = None) -> Prediction:
    """Write the row of a new reading; call inside a transaction.

    It waits, unless it is ``claimed_for`` a model by whoever is to read it at once. A declared clinical photograph is
    answered with its row: the network reads dermoscopy.
    """
    now = timezone.now()
    prediction = Prediction(
        # Whole milliseconds, as SQLite's clock counts, so that no reading starts before it was asked for.
        created_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
        image=image,
        modality=image.modality,
        declared=image.declared,
        requested_by=None if actor is None else actor.user,
        requested_by_service=None if actor is None else actor.service,
        stored_sha256=image.stored_sha256,
    )
    if image.modality == Modality.CLINICAL:
        prediction.status = Status.DONE
        prediction.outcome = Outcome.NOT_ASSESSABLE
        prediction.reason = NOT_RUN_REASON
        prediction.finished_at = now
    elif claimed_for is not None:
        prediction.status = Status.RUNNING
        prediction.attempts = 1
        prediction.model_version = claimed_for
        prediction.started_at = Now()  # one clock for all machines
    prediction.save(force_insert=True)
    if prediction.status == Status.RUNNING:
        del prediction.started_at
    clinic = image.lesion.patient.clinic if actor is None else actor.clinic
    audit.prediction_requested(actor=actor, about=prediction, clinic=clinic)
    if prediction.status == Status.DONE:
        conclude(image.examination)
    return prediction


def load(prediction_id: int) -> Prediction:
    """Give a reading with its photograph, its patient and its model. Raises ``Prediction.DoesNotExist``."""
    return Prediction.objects.select_related("image__examination__lesion__patient__clinic", "model_version").get(
        pk=prediction_id
    )


def waiting() -> QuerySet[Prediction]:
    """Queued readings, and running ones whose lease has expired by the database's clock, the oldest first."""
    expired = Now() - timedelta(seconds=lease_seconds())
    return Prediction.objects.filter(
        Q(status=Status.QUEUED) | Q(status=Status.RUNNING, started_at__lt=expired)
    ).order_by("created_at", "pk")


def lease_end(prediction: Prediction) -> datetime:
    """When a running reading may be claimed by another worker: no honest one takes that long."""
    return (prediction.started_at or prediction.created_at) + timedelta(seconds=lease_seconds())


def lease_seconds() -> int:
    """Longer than a worker lives with one task: it is killed at the hard limit."""
    return settings.TASK_HARD_SECONDS + LEASE_MARGIN_SECONDS


def wait(prediction: Prediction, code: str) -> None:
    """Note what a queued reading waits for."""
    if Prediction.objects.filter(pk=prediction.pk, status=Status.QUEUED).update(waiting_for=code):
        prediction.waiting_for = code


def claim(prediction: Prediction, model_version: ModelVersion) -> bool:
    """Take a reading as its only worker; false when another was quicker, or when it has ended."""
    row = Prediction.objects.filter(pk=prediction.pk, status=prediction.status, attempts=prediction.attempts)
    attempts = prediction.attempts + 1
    try:
        with transaction.atomic():
            taken = row.update(
                status=Status.RUNNING,
                attempts=attempts,
                started_at=Now(),  # one clock for all machines
                model_version=model_version,
                waiting_for="",
            )
    except IntegrityError:  # this model has read this photograph already: see the model's constraint
        fail(prediction, "already_read")
        return False
    prediction.status, prediction.attempts, prediction.model_version = Status.RUNNING, attempts, model_version
    prediction.waiting_for = ""
    del prediction.started_at
    return taken == 1


def finish(claimed: Prediction, **produced: object) -> bool:
    """Write what was read, if the claim still holds; ``produced`` are fields of ``Prediction``."""
    return _write_end(claimed, audit.prediction_finished, status=Status.DONE, **produced)


def fail(prediction: Prediction, failure: str) -> bool:
    """End a reading without a result, if it is still as ``prediction`` saw it."""
    return _write_end(prediction, audit.prediction_failed, status=Status.FAILED, failure=failure, waiting_for="")


def _write_end(prediction: Prediction, record: Callable[..., AuditEvent], **fields: object) -> bool:
    """Move a reading to its last status, if it is still as ``prediction`` saw it."""
    row = Prediction.objects.filter(pk=prediction.pk, status=prediction.status, attempts=prediction.attempts)
    clinic = prediction.image.lesion.patient.clinic
    with transaction.atomic(), written_together():
        written = row.update(finished_at=Now(), **fields) == 1
        if written:
            record(about=prediction, clinic=clinic, status=str(fields["status"]))
            conclude(_examination_of(prediction))
    if written:
        for name, value in fields.items():
            setattr(prediction, name, value)
        del prediction.finished_at
    return written


def _examination_of(prediction: Prediction) -> Examination:
    """Where the photograph belongs by now: it may have been moved while it was read."""
    # Locked by itself first: what PostgreSQL joins, it would not look up again after having waited for the lock.
    held = LesionImage.objects.select_for_update(no_key=True).only("examination").get(pk=prediction.image_id)
    return Examination.objects.with_owners().get(pk=held.examination_id)
