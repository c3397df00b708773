"""Reading a photograph: by a worker from the stored bytes, or where it came in from the bytes in hand."""

import hashlib
import logging
from dataclasses import asdict

import numpy as np
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from classifier import inference, storage
from classifier.models import Prediction
from classifier.services.readings import states
from ml.bundle.manifest import Manifest
from ml.taxonomy import CLASSES

log = logging.getLogger(__name__)

MEASURE_DIGITS = 5


def run_prediction(*, prediction_id: int) -> Prediction:
    """Read a photograph, unless it has been read or is being read; safe to call twice and at once.

    Gives the reading as it then is: done, failed, running under somebody else's lease, or queued with ``waiting_for``
    when nothing can be read now. Raises ``Prediction.DoesNotExist``.
    """
    prediction = states.load(prediction_id)
    if not states.waiting().filter(pk=prediction_id).exists():
        return prediction
    if prediction.attempts >= settings.PREDICTION_MAX_ATTEMPTS:  # first: it needs neither model nor storage to end
        states.fail(prediction, "attempts_exhausted")
        return states.load(prediction_id)
    try:
        loaded = inference.active_predictor()
        data = storage.read_stored(prediction.image)
    except inference.NoUsableModelError as error:
        states.wait(prediction, error.code)
    except storage.StorageUnavailableError as error:
        log.warning("Reading %s waits: %s", prediction_id, error)
        states.wait(prediction, "storage")
    except FileNotFoundError:
        states.fail(prediction, "stored_image_missing")
    else:
        if hashlib.sha256(data).hexdigest() != prediction.stored_sha256:
            states.fail(prediction, "stored_image_changed")
        elif states.claim(prediction, loaded.model_version):
            read_claimed(prediction, loaded, data)
    return states.load(prediction_id)


def read_claimed(claimed: Prediction, loaded: inference.LoadedModel, data: bytes) -> None:
    """Read ``data``, which are the stored bytes of a photograph, for a reading that is claimed; it then ends."""
    try:
        reading = loaded.predictor.read(data, declared=claimed.declared_codes)
    except SoftTimeLimitExceeded:
        states.fail(claimed, "timed_out")
    except Exception as error:  # whatever goes wrong in there, the reading ends and says so
        log.exception("Reading %s failed", claimed.public_id)
        states.fail(claimed, f"crashed: {type(error).__name__}")
    else:
        _finish(claimed, loaded, reading)


def _finish(claimed: Prediction, loaded: inference.LoadedModel, reading: inference.Reading) -> None:
    """Write what was read, if the claim still holds."""
    if not np.isfinite(reading.probabilities).all():
        states.fail(claimed, "not_finite")
        return
    manifest = loaded.predictor.bundle.manifest
    written = states.finish(
        claimed,
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
        signature=list(reading.signature) or None,
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
