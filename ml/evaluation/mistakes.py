"""Error analysis: confident mistakes, missed malignant lesions, common confusions, and subsets of a fold."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.metrics import bootstrap, classification
from ml.metrics.estimate import DIGITS, count_judged
from ml.taxonomy import CLASSES

FloatArray = npt.NDArray[np.float64]

FEWEST = 20
"""Subsets with fewer images are not measured."""
FIGURES = ("balanced_accuracy", "malignancy_auc", "sensitivity_not_low_risk", "specificity_low_risk")
THIRDS = ("lowest third", "middle third", "highest third")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Labelled scores with image ``names`` (N) and ``lesions`` (N), and the thresholds of the malignant sum."""

    names: tuple[str, ...]
    lesions: tuple[str, ...]
    scored: classification.Scored
    low_risk_below: float
    suspicious_from: float


@dataclass(frozen=True, slots=True)
class Mistake:
    """A misclassified image: true class, most probable class (``decided``) with probability, and malignant sum."""

    name: str
    truth: str
    decided: str
    probability: float
    malignant: float


def list_confident_mistakes(reviewed: Reviewed, count: int) -> list[Mistake]:
    """The mistakes with the highest probability, in descending order."""
    scored = reviewed.scored
    wrong = np.flatnonzero(scored.probabilities.argmax(axis=1) != scored.labels)
    confidence = scored.probabilities[wrong].max(axis=1)
    return [_describe(reviewed, index) for index in wrong[np.argsort(-confidence, kind="stable")][:count]]


def list_missed_malignant(reviewed: Reviewed, count: int) -> list[Mistake]:
    """Malignant lesions with the outcome low risk, in ascending order of the malignant sum."""
    scored = reviewed.scored
    missed = np.flatnonzero(scored.is_malignant & (scored.malignant < reviewed.low_risk_below))
    return [_describe(reviewed, index) for index in missed[np.argsort(scored.malignant[missed], kind="stable")][:count]]


def list_confusions(reviewed: Reviewed, count: int) -> list[tuple[str, str, int, float]]:
    """The most common confusions by balanced score: truth, decision, images, and their share of the class.

    The share is of the true class's images.
    """
    scored = reviewed.scored
    decided = classification.decide(scored.balanced_scores)
    pairs = Counter(
        (int(truth), int(choice))
        for truth, choice in zip(scored.labels, decided, strict=True)
        if choice not in (truth, classification.UNDECIDED)
    )
    totals = np.bincount(scored.labels, minlength=len(CLASSES))
    return [
        (CLASSES[truth], CLASSES[choice], number, round(number / int(totals[truth]), DIGITS))
        for (truth, choice), number in pairs.most_common(count)
    ]


def measure_parts(reviewed: Reviewed, parts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Metrics of every subset of at least 20 images, with 95 % intervals over lesions.

    ``parts`` (N,) names each image's subset. Balanced accuracy is over the classes that occur in the subset, which
    differ between subsets.
    """
    names = np.array(parts)
    metrics = {}
    for part in sorted(set(parts), key=lambda part: (THIRDS.index(part) if part in THIRDS else -1, part)):
        indices = np.flatnonzero(names == part)
        if len(indices) >= FEWEST:
            metrics[part] = _measure(reviewed, indices)
    return metrics


def name_thirds(values: Sequence[float]) -> list[str]:
    """The third of the values that each lies in, by name; ``unknown`` for NaN."""
    known = np.array(values, np.float64)
    edges = np.nanquantile(known, (1 / 3, 2 / 3)) if not np.isnan(known).all() else np.zeros(2)
    return ["unknown" if np.isnan(value) else THIRDS[int((value > edges).sum())] for value in known]


def _measure(reviewed: Reviewed, indices: npt.NDArray[np.int64]) -> dict[str, Any]:
    whole = reviewed.scored
    part = classification.Scored(whole.labels[indices], whole.probabilities[indices], whole.balanced_scores[indices])

    def measure(weights: FloatArray) -> dict[str, FloatArray]:
        values = classification.measure(
            part, weights, low_risk_below=reviewed.low_risk_below, suspicious_from=reviewed.suspicious_from
        )
        return {name: values[name] for name in FIGURES}

    malignant = int(part.is_malignant.sum())
    of = {name: count_judged(name, images=len(indices), malignant=malignant) for name in FIGURES}
    found = bootstrap.estimate(measure, [reviewed.lesions[index] for index in indices], of=of)
    return {
        "images": len(indices),
        "malignant": malignant,
        "classes": len(set(part.labels.tolist())),
        **{name: each.to_json() for name, each in found.items()},
    }


def _describe(reviewed: Reviewed, index: int) -> Mistake:
    scored = reviewed.scored
    decided = int(scored.probabilities[index].argmax())
    return Mistake(
        name=reviewed.names[index],
        truth=CLASSES[int(scored.labels[index])],
        decided=CLASSES[decided],
        probability=round(float(scored.probabilities[index, decided]), DIGITS),
        malignant=round(float(scored.malignant[index]), DIGITS),
    )
