"""Interpretation of an observation: the decisions and numbers that need neither image nor network."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from ml.bundle.manifest import Manifest, PredictionSets, Thresholds
from ml.serve import quality
from ml.serve.detector import IMAGE_DOMAINS, UNLIKE_TRAINING, Detector
from ml.serve.similar_cases import SimilarCase
from ml.taxonomy import CLASSES, DECISIONS, MALIGNANT_INDICES, MELANOMA

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]


NO_OFFSETS = (0.0,) * len(CLASSES)
DETECTED = (*IMAGE_DOMAINS[1:], UNLIKE_TRAINING, quality.WITHOUT_COLOUR, quality.ALTERED)
"""Reasons by which a detector refuses an image that may nevertheless show a cancer."""


class Outcome(StrEnum):
    """The outcome of a reading; there is no "all clear"."""

    LOW_RISK = "low_risk"
    SUSPICIOUS = "suspicious"
    REFER_UNCERTAIN = "refer_uncertain"
    NOT_ASSESSABLE = "not_assessable"


@dataclass(frozen=True, slots=True)
class Observation:
    """Measurements and network outputs of one image, before any decision.

    ``logits`` (V, 7), ``embedding`` (V, D) and ``late_statistics`` (V, 2C) have a row per test-time view; ``mask`` (h,
    w) are the lesion logits of the widest view, (0, 0) if the bundle has no decoder; ``measures`` are those of
    ``ml.serve.quality`` and, with a mask, of ``ml.serve.lesion_mask``; ``milliseconds`` has decode, network and total.
    """

    logits: Float32Array
    embedding: Float32Array
    late_statistics: Float32Array
    mask: Float32Array
    measures: dict[str, float]
    runtime: str
    milliseconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of one image.

    ``logits`` (V, 7) are raw, a row per test-time view; ``probabilities`` (7,) are calibrated to the manifest's target
    prior; ``balanced_scores`` (7,) have the prior divided out; ``prediction_set`` are codes in class order. ``reason``
    is one of ``DECISIONS``, or the reason of a refusal: blank_frame, one of ``DETECTED``, or a declared code.
    ``measures`` are those of quality, out-of-distribution detector and lesion mask; ``milliseconds`` has decode,
    network and total; ``mask`` is that of the observation; ``similar_cases`` are sorted by similarity, and empty after
    a refusal or for a bundle without cases. ``signature`` (K,) are whole numbers from -127 to 127 whose direction tells
    photographs of one lesion from those of others (``ml.serve.pool``); empty for a bundle without a detector.
    """

    logits: Float32Array
    probabilities: FloatArray
    balanced_scores: FloatArray
    malignant_probability: float
    prediction_set: tuple[str, ...]
    outcome: Outcome
    reason: str
    flags: tuple[str, ...]
    measures: dict[str, float]
    embedding: Float32Array
    runtime: str
    milliseconds: dict[str, float]
    mask: Float32Array = field(default_factory=lambda: np.empty((0, 0), np.float32))
    similar_cases: tuple[SimilarCase, ...] = ()
    signature: tuple[int, ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether the outcome follows from the probabilities; after a refusal they must not be shown."""
        return self.reason in DECISIONS


def interpret(
    observation: Observation, manifest: Manifest, detector: Detector | None, *, declared: Collection[str] = ()
) -> Reading:
    """The reading that the manifest and the out-of-distribution detector give for an observation; needs no image."""
    measures = observation.measures
    verdict = None if detector is None else detector.judge(observation.late_statistics)
    if verdict is not None:
        measures = verdict.measures | measures | {"dermoscopy": verdict.dermoscopy, "distance": verdict.distance}
    probabilities, balanced_scores = score(observation.logits, manifest)
    refusal = (
        next((code for code in manifest.not_assessable_where if code in declared), None)
        or quality.find_plain_refusal(measures, manifest.quality)
        or (None if verdict is None else verdict.reason)
        or quality.find_alteration(measures, manifest.quality)
    )
    outcome, reason = decide(probabilities, refusal, manifest.thresholds)
    flagged_by = measures if refusal is None else {name: measures[name] for name in quality.PICTURE_MEASURES}
    return Reading(
        logits=observation.logits,
        probabilities=probabilities,
        balanced_scores=balanced_scores,
        malignant_probability=float(probabilities[list(MALIGNANT_INDICES)].sum()),
        prediction_set=form_set(probabilities, balanced_scores, manifest.prediction_sets),
        outcome=outcome,
        reason=reason,
        flags=quality.find_flags(flagged_by, manifest.quality),
        measures=measures,
        embedding=observation.embedding,
        mask=observation.mask,
        runtime=observation.runtime,
        milliseconds=observation.milliseconds,
        signature=() if verdict is None else verdict.signature,
    )


def score(logits: npt.NDArray[np.floating], manifest: Manifest) -> tuple[FloatArray, FloatArray]:
    """Turn raw logits (..., V, 7) of an image's views into (``probabilities``, ``balanced_scores``), each (..., 7).

    The views' softmaxes are averaged, the training prior divided out, the calibration applied; probabilities then get
    the target prior (Saerens et al., Neural Computation 2002).
    """
    return calibrate(
        average_views(logits),
        manifest.training_prior.frequencies,
        manifest.target_prior.frequencies,
        manifest.calibration.temperature,
        manifest.calibration.offsets,
    )


def average_views(logits: npt.NDArray[np.floating]) -> FloatArray:
    """Log of the mean over views of the softmax of logits (..., V, 7), as (..., 7)."""
    mean = softmax(logits.astype(np.float64)).mean(axis=-2)
    return np.asarray(np.log(np.maximum(mean, np.finfo(np.float64).tiny)))


def calibrate(
    log_mean: FloatArray,
    training_prior: Sequence[float],
    target_prior: Sequence[float],
    temperature: float,
    offsets: Sequence[float] = NO_OFFSETS,
) -> tuple[FloatArray, FloatArray]:
    """Calibrate log mean scores (..., 7) to (``probabilities``, ``balanced_scores``), each (..., 7)."""
    scores = (log_mean - np.log(training_prior)) / temperature + offsets
    return softmax(scores + np.log(target_prior)), softmax(scores)


def decide(probabilities: FloatArray, refusal: str | None, thresholds: Thresholds) -> tuple[Outcome, str]:
    """The outcome rule: outcome and code of its reason, from probabilities (7,) and the reason of a refusal if any."""
    malignant = probabilities[list(MALIGNANT_INDICES)].sum()
    if refusal is not None:
        second = thresholds.refused
        is_likely = second is not None and refusal in DETECTED and malignant >= second.refer_from
        return Outcome.REFER_UNCERTAIN if is_likely else Outcome.NOT_ASSESSABLE, refusal
    if malignant >= thresholds.malignant.suspicious_from:
        return Outcome.SUSPICIOUS, "above_suspicious_threshold"
    if malignant >= thresholds.malignant.low_risk_below:
        return Outcome.REFER_UNCERTAIN, "between_thresholds"
    if probabilities[MELANOMA] >= thresholds.melanoma.low_risk_below:
        return Outcome.REFER_UNCERTAIN, "melanoma_not_excluded"
    return Outcome.LOW_RISK, "below_low_risk_threshold"


def form_set(probabilities: FloatArray, balanced_scores: FloatArray, rule: PredictionSets | None) -> tuple[str, ...]:
    """The prediction set of one image, codes in class order; empty for a bundle without a rule."""
    if rule is None:
        return ()
    scores = balanced_scores if rule.score == "balanced_scores" else probabilities
    chosen = in_sets(scores, rule.at_least)
    return tuple(code for code, is_in in zip(CLASSES, chosen, strict=True) if is_in)


def in_sets(scores: FloatArray, at_least: float) -> npt.NDArray[np.bool_]:
    """Membership (..., 7) of classes in prediction sets: all scores from ``at_least`` on, always the highest."""
    return np.asarray((scores >= at_least) | (scores == scores.max(axis=-1, keepdims=True)))


def softmax(values: FloatArray) -> FloatArray:
    """Softmax over the last axis."""
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))
