"""Readings: asked for, claimed, run, finished; every step a conditional UPDATE from the step before.

A worker that dies leaves a running reading behind. Its claim is a lease: when it has expired, anybody may claim the
reading again, until the attempts are used up. Whoever finishes must still hold the claim, so that two workers can never
both write a reading.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta

import numpy as np
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from classifier import audit, inference, policies, storage
from classifier.models import LesionImage, Modality, ModelStatus, ModelVersion, Outcome, Prediction, Status
from classifier.services import handover, records
from ml.bundle import Manifest
from ml.taxonomy import CLASSES
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent

log = logging.getLogger(__name__)

CELERY = "celery"
LEASE_MARGIN_SECONDS = 5
MEASURE_DIGITS = 5
NOT_RUN_REASON = "clinical_photograph"
BYTES_LOST = ("stored_image_missing", "stored_image_changed")
"""Failures that sending the photograph again may mend."""


def queue_prediction(*, actor: Membership | None, image: LesionImage) -> Prediction:
    """Ask for a reading of a photograph by the active model; gives the one that there is, if any."""
    policies.require(policies.may_correct(actor, image))
    if image.entered_in_error_at is not None:
        message = _("This photograph was marked as entered in error; it is not read again.")
        raise ValidationError(message, code="entered_in_error")
    with transaction.atomic():
        prediction = find_or_create(actor=actor, image=image)
    return start(prediction)


def retry_prediction(*, actor: Membership | None, prediction: Prediction) -> Prediction:
    """Ask anew: a reading that failed stays and gets a successor; one that waits, or whose worker died, goes on.

    Raises ``ValidationError`` for one that is done.
    """
    policies.require(policies.may_correct(actor, prediction.image))
    if prediction.status == Status.DONE:
        raise ValidationError(_("This reading is done; only one that failed or waits can be tried again."), code="done")
    if prediction.status == Status.FAILED:
        return queue_prediction(actor=actor, image=prediction.image)
    inference.forget_failures()
    if settings.PREDICTION_MODE == CELERY:
        handover.submit(prediction.pk)
        return _load(prediction.pk)
    return run_prediction(prediction_id=prediction.pk)


def find_or_create(*, actor: Membership | None, image: LesionImage) -> Prediction:
    """Give a photograph's reading by the active model, a new one unless there is one; ``start`` it after the commit."""
    records.lock_clinic(image.lesion.patient.clinic)
    return _find_usable(image) or create(actor=actor, image=image)


def create(*, actor: Membership | None, image: LesionImage) -> Prediction:
    """Write the row of a new reading; call inside a transaction, then ``start`` it outside.

    A declared clinical photograph is answered at once: the network reads dermoscopy.
    """
    prediction = Prediction(
        image=image,
        modality=image.modality,
        declared=image.declared,
        requested_by=None if actor is None else actor.user,
        stored_sha256=image.stored_sha256,
    )
    if image.modality == Modality.CLINICAL:
        prediction.status = Status.DONE
        prediction.outcome = Outcome.NOT_ASSESSABLE
        prediction.reason = NOT_RUN_REASON
        prediction.finished_at = timezone.now()
    prediction.save(force_insert=True)
    clinic = image.lesion.patient.clinic
    audit.prediction_requested(actor=actor, about=prediction, clinic=clinic)
    return prediction


def start(prediction: Prediction) -> Prediction:
    """Run a queued reading here, or hand it to a worker once it is committed, as PREDICTION_MODE says.

    While no bundle can be used it says so and waits for ``process_queue``.
    """
    if prediction.status != Status.QUEUED:
        return prediction
    if settings.PREDICTION_MODE != CELERY:
        return run_prediction(prediction_id=prediction.pk)
    if missing := inference.availability():
        _wait(prediction, missing)
    else:
        transaction.on_commit(lambda: handover.submit(prediction.pk))
    return _load(prediction.pk)


def run_prediction(*, prediction_id: int) -> Prediction:
    """Read a photograph, unless it has been read or is being read; safe to call twice and at once.

    Gives the reading as it then is: done, failed, running under somebody else's lease, or queued with ``waiting_for``
    when nothing can be read now. Raises ``Prediction.DoesNotExist``.
    """
    prediction = _load(prediction_id)
    if not _may_be_claimed(prediction):
        return prediction
    if prediction.attempts >= settings.PREDICTION_MAX_ATTEMPTS:  # first: it needs neither model nor storage to end
        _fail(prediction, "attempts_exhausted")
        return _load(prediction_id)
    try:
        loaded = inference.active_predictor()
        data = storage.read_stored(prediction.image)
    except inference.NoUsableModelError as error:
        _wait(prediction, error.code)
    except storage.StorageUnavailableError as error:
        log.warning("Reading %s waits: %s", prediction_id, error)
        _wait(prediction, "storage")
    except FileNotFoundError:
        _fail(prediction, "stored_image_missing")
    else:
        _claim_and_read(prediction, loaded, data)
    return _load(prediction_id)


def lease_end(prediction: Prediction) -> datetime:
    """When a running reading may be claimed by another worker: no honest one takes that long."""
    return (prediction.started_at or prediction.created_at) + timedelta(seconds=lease_seconds())


def lease_seconds() -> int:
    """Longer than a worker lives with one task: it is killed at the hard limit."""
    return settings.TASK_HARD_SECONDS + LEASE_MARGIN_SECONDS


def waiting() -> QuerySet[Prediction]:
    """Queued readings, and running ones whose lease has expired by the database's clock, the oldest first."""
    expired = Now() - timedelta(seconds=lease_seconds())
    return Prediction.objects.filter(
        Q(status=Status.QUEUED) | Q(status=Status.RUNNING, started_at__lt=expired)
    ).order_by("created_at", "pk")


def _load(prediction_id: int) -> Prediction:
    return Prediction.objects.select_related("image__lesion__patient__clinic", "model_version").get(pk=prediction_id)


def _find_usable(image: LesionImage) -> Prediction | None:
    """Give the reading that a new one would repeat: an open one, or a finished one by the active model."""
    same = Prediction.objects.as_known(image).exclude(status=Status.FAILED)
    active = ModelVersion.objects.filter(status=ModelStatus.ACTIVE)
    answer = Q(model_version=None) if image.modality == Modality.CLINICAL else Q(model_version__in=active)
    is_open = Q(status__in=[Status.QUEUED, Status.RUNNING])
    return same.filter(is_open | answer).order_by("-created_at", "-pk").first()


def _may_be_claimed(prediction: Prediction) -> bool:
    return waiting().filter(pk=prediction.pk).exists()


def _wait(prediction: Prediction, code: str) -> None:
    Prediction.objects.filter(pk=prediction.pk, status=Status.QUEUED).update(waiting_for=code)


def _claim_and_read(prediction: Prediction, loaded: inference.LoadedModel, data: bytes) -> None:
    if hashlib.sha256(data).hexdigest() != prediction.stored_sha256:
        _fail(prediction, "stored_image_changed")
        return
    if not _claim(prediction, loaded.model_version):
        return
    try:
        reading = loaded.predictor.read(data, declared=prediction.declared_codes)
    except SoftTimeLimitExceeded:
        _fail(prediction, "timed_out")
    except Exception as error:  # whatever goes wrong in there, the reading ends and says so
        log.exception("Reading %s failed", prediction.public_id)
        _fail(prediction, f"crashed: {type(error).__name__}")
    else:
        _finish(prediction, loaded, reading)


def _claim(prediction: Prediction, model_version: ModelVersion) -> bool:
    """Take a reading as its only worker, and note the claim in ``prediction``; false when another was quicker."""
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
        _fail(prediction, "already_read")
        return False
    prediction.status, prediction.attempts = Status.RUNNING, attempts
    return taken == 1


def _finish(claimed: Prediction, loaded: inference.LoadedModel, reading: inference.Reading) -> None:
    """Write what was read, if the claim still holds."""
    if not np.isfinite(reading.probabilities).all():
        _fail(claimed, "not_finite")
        return
    manifest = loaded.predictor.bundle.manifest
    written = _write_end(
        claimed,
        audit.prediction_finished,
        status=Status.DONE,
        outcome=reading.outcome.value,
        reason=reading.reason,
        flags=list(reading.flags),
        malignant_probability=reading.malignant_probability,
        probabilities=reading.probabilities.tolist(),
        balanced_scores=reading.balanced_scores.tolist(),
        logits=reading.logits.tolist(),
        classes=list(CLASSES),
        thresholds=_thresholds_in_force(manifest),
        prediction_set=list(reading.prediction_set) or None,
        measures={name: round(value, MEASURE_DIGITS) for name, value in reading.measures.items()},
        similar_cases=[
            asdict(case) | {"similarity": round(case.similarity, MEASURE_DIGITS)} for case in reading.similar_cases
        ]
        or None,
        bundle_sha256=loaded.predictor.bundle.sha256,
        preprocessing_version=manifest.preprocessing_version,
        runtime=reading.runtime,
        milliseconds={name: round(value, 2) for name, value in reading.milliseconds.items()},
    )
    if not written:
        log.warning("Reading %s was claimed by another worker before this one finished", claimed.public_id)


def _thresholds_in_force(manifest: Manifest) -> dict[str, dict[str, float]]:
    """What the outcome was decided by."""
    malignant, melanoma = manifest.thresholds.malignant, manifest.thresholds.melanoma
    refused = manifest.thresholds.refused
    return {
        "malignant": {"low_risk_below": malignant.low_risk_below, "suspicious_from": malignant.suspicious_from},
        "melanoma": {"low_risk_below": melanoma.low_risk_below},
        **({} if refused is None else {"refused": {"refer_from": refused.refer_from}}),
    }


def _fail(prediction: Prediction, failure: str) -> None:
    _write_end(prediction, audit.prediction_failed, status=Status.FAILED, failure=failure, waiting_for="")


def _write_end(prediction: Prediction, record: Callable[..., AuditEvent], **fields: object) -> bool:
    """Move a reading to its last status, if it is still as ``prediction`` saw it."""
    row = Prediction.objects.filter(pk=prediction.pk, status=prediction.status, attempts=prediction.attempts)
    clinic = prediction.image.lesion.patient.clinic
    with transaction.atomic():
        written = row.update(finished_at=Now(), **fields) == 1
        if written:
            record(about=prediction, clinic=clinic, status=str(fields["status"]))
    return written
