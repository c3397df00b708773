"""Metrics of many weighted samples at once: a row of weights is a bootstrap resample, a row of ones the sample.

A metric that a sample does not define (recall of a class without images) is NaN and left out of means.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.taxonomy import CLASSES, MALIGNANT_INDICES, MELANOMA

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

CALIBRATION_BINS = 15
UNDECIDED = -1


@dataclass(frozen=True, slots=True)
class Scored:
    """N labelled and scored images: ``labels`` (N,), ``probabilities`` and ``balanced_scores`` (N, 7)."""

    labels: IntArray
    probabilities: FloatArray
    balanced_scores: FloatArray

    @property
    def malignant(self) -> FloatArray:
        """Malignant sum of the probabilities, (N,)."""
        return np.asarray(self.probabilities[:, list(MALIGNANT_INDICES)].sum(axis=1))

    @property
    def is_malignant(self) -> npt.NDArray[np.bool_]:
        """Whether the label is malignant, (N,)."""
        return np.isin(self.labels, MALIGNANT_INDICES)


def measure(
    scored: Scored,
    weights: FloatArray,
    *,
    low_risk_below: float,
    suspicious_from: float,
    melanoma_low_risk_below: float = math.inf,
) -> dict[str, FloatArray]:
    """All metrics under B rows of weights (B, N): (B,) for a scalar, (B, 7) for a metric per class.

    Everything per class, accuracy, balanced accuracy and macro-F1 follow ``balanced_scores``, as the submission file
    does; the metrics called ``most_probable`` and all of melanoma, malignancy and calibration follow
    ``probabilities``.
    """
    confusion = count_confusion(labels=scored.labels, decided=decide(scored.balanced_scores), weights=weights)
    recall, precision, f1 = _rates(confusion)
    most_probable = decide(scored.probabilities)
    most_probable_confusion = count_confusion(labels=scored.labels, decided=most_probable, weights=weights)
    called_suspicious = scored.malignant >= suspicious_from
    called_low = scored.malignant < low_risk_below
    called_low &= scored.probabilities[:, MELANOMA] < melanoma_low_risk_below
    ill, well = scored.is_malignant, ~scored.is_malignant
    areas = [
        area_under_roc(positive=scored.labels == place, scores=scored.balanced_scores[:, place], weights=weights)
        for place in range(len(CLASSES))
    ]
    auc = np.stack(areas, -1)
    return {
        "accuracy": share(holds=decide(scored.balanced_scores) == scored.labels, weights=weights),
        "balanced_accuracy": _mean_defined(recall),
        "macro_f1": _mean_defined(f1),
        "most_probable_accuracy": share(holds=most_probable == scored.labels, weights=weights),
        "most_probable_macro_f1": _mean_defined(_rates(most_probable_confusion)[2]),
        "recall": recall,
        "precision": precision,
        "auc": auc,
        "macro_auc": _mean_defined(auc),
        "melanoma_auc": area_under_roc(
            positive=scored.labels == MELANOMA, scores=scored.probabilities[:, MELANOMA], weights=weights
        ),
        "malignancy_auc": area_under_roc(positive=ill, scores=scored.malignant, weights=weights),
        "sensitivity_not_low_risk": share(holds=~called_low, weights=weights * ill),
        "specificity_low_risk": share(holds=called_low, weights=weights * well),
        "sensitivity_suspicious": share(holds=called_suspicious, weights=weights * ill),
        "specificity_not_suspicious": share(holds=~called_suspicious, weights=weights * well),
        "expected_calibration_error": expected_calibration_error(
            labels=scored.labels, probabilities=scored.probabilities, weights=weights
        ),
        "log_loss": log_loss(labels=scored.labels, probabilities=scored.probabilities, weights=weights),
    }


def balanced_accuracy(*, labels: IntArray, decided: IntArray) -> float:
    """Mean recall over the classes that occur, of decisions (N,) about labels (N,), unweighted."""
    return float(mean_recall(labels=labels, decided=decided, weights=np.ones((1, len(labels))))[0])


def mean_recall(*, labels: IntArray, decided: IntArray, weights: FloatArray) -> FloatArray:
    """Balanced accuracy (B,) under B rows of weights (B, N)."""
    return _mean_defined(_rates(count_confusion(labels=labels, decided=decided, weights=weights))[0])


def decide(scores: FloatArray) -> IntArray:
    """Class (N,) of the highest score (N, 7); a tie is undecided and so wrong, as in the official scorer."""
    highest = scores == scores.max(axis=1, keepdims=True)
    return np.where(highest.sum(axis=1) == 1, scores.argmax(axis=1), UNDECIDED)


def count_confusion(*, labels: IntArray, decided: IntArray, weights: FloatArray) -> FloatArray:
    """Weighted counts (B, 7, 8): rows are the truth, columns the decision, the last column undecided."""
    count = len(CLASSES)
    cells = labels * (count + 1) + np.where(decided == UNDECIDED, count, decided)
    indicator = np.zeros((len(labels), count * (count + 1)))
    indicator[np.arange(len(labels)), cells] = 1
    return np.asarray((weights @ indicator).reshape(-1, count, count + 1))


def area_under_roc(*, positive: npt.NDArray[np.bool_], scores: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted area under the ROC curve (B,): the share of correctly ordered pairs, ties by half (Mann-Whitney)."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])
    ordered = weights[:, order]
    ill = np.add.reduceat(ordered * positive[order], starts, axis=1)
    well = np.add.reduceat(ordered * ~positive[order], starts, axis=1)
    well_below = np.cumsum(well, axis=1) - well
    pairs = ill.sum(axis=1) * well.sum(axis=1)
    return _divide((ill * (well_below + well / 2)).sum(axis=1), pairs)


def expected_calibration_error(*, labels: IntArray, probabilities: FloatArray, weights: FloatArray) -> FloatArray:
    """Expected calibration error (B,): mean distance of confidence and accuracy over 15 equal bins of confidence.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    confidence = probabilities.max(axis=1)
    right = decide(probabilities) == labels
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1]
    indicator = np.zeros((len(labels), CALIBRATION_BINS))
    indicator[np.arange(len(labels)), np.searchsorted(edges, confidence, side="left")] = 1
    gaps = np.abs(weights @ (indicator * (right - confidence)[:, np.newaxis]))
    return _divide(gaps.sum(axis=1), weights.sum(axis=1))


def log_loss(*, labels: IntArray, probabilities: FloatArray, weights: FloatArray) -> FloatArray:
    """Mean negative log-likelihood (B,) of the labels (N,) under probabilities (N, 7), in nats."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return _divide(weights @ -np.log(np.maximum(chosen, np.finfo(np.float64).tiny)), weights.sum(axis=1))


def class_mean_log_loss(*, labels: IntArray, scores: FloatArray, weights: FloatArray) -> FloatArray:
    """Log loss (B,) of scores (N, 7), averaged within each class and then over the classes that occur, in nats."""
    chosen = -np.log(np.maximum(scores[np.arange(len(labels)), labels], np.finfo(np.float64).tiny))
    of_class = (labels[:, np.newaxis] == np.arange(len(CLASSES))).astype(np.float64)
    return _mean_defined(_divide(weights @ (of_class * chosen[:, np.newaxis]), weights @ of_class))


def _rates(confusion: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Recall, precision and F1 per class, each (B, 7)."""
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    true, decided = confusion.sum(axis=2), confusion[:, :, : len(CLASSES)].sum(axis=1)
    return _divide(hits, true), _divide(hits, decided), _divide(2 * hits, true + decided)


def share(*, holds: npt.NDArray[np.bool_], weights: FloatArray) -> FloatArray:
    """The weighted share (B,) of images for which ``holds`` (N,) is true."""
    return _divide(weights @ holds, weights.sum(axis=1))


def _mean_defined(values: FloatArray) -> FloatArray:
    """Mean over the last axis, ignoring NaN."""
    return _divide(np.nansum(values, axis=-1), (~np.isnan(values)).sum(axis=-1).astype(np.float64))


def _divide(above: FloatArray, below: FloatArray) -> FloatArray:
    """Quotient, NaN where the divisor is 0."""
    return np.asarray(np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below != 0))
