"""Where a model errs: the surest mistakes, the missed malignant lesions, the usual confusions, and parts of a fold."""

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
"""A part with fewer images is not measured."""
FIGURES = ("balanced_accuracy", "malignancy_auc", "sensitivity_not_low_risk", "specificity_low_risk")
THIRDS = ("lowest third", "middle third", "highest third")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Labelled scores of ``names`` (N) of ``lesions`` (N), and the thresholds of their malignant sum."""

    names: tuple[str, ...]
    lesions: tuple[str, ...]
    scored: classification.Scored
    low_risk_below: float
    suspicious_from: float


@dataclass(frozen=True, slots=True)
class Mistake:
    """An image of class ``truth`` whose most probable class is ``decided``, with its probability and malignant sum."""

    name: str
    truth: str
    decided: str
    probability: float
    malignant: float


def list_confident_mistakes(reviewed: Reviewed, count: int) -> list[Mistake]:
    """The mistakes that the model was surest of, the surest first."""
    scored = reviewed.scored
    wrong = np.flatnonzero(scored.probabilities.argmax(axis=1) != scored.labels)
    confidence = scored.probabilities[wrong].max(axis=1)
    return [_describe(reviewed, place) for place in wrong[np.argsort(-confidence, kind="stable")][:count]]


def list_missed_malignant(reviewed: Reviewed, count: int) -> list[Mistake]:
    """Malignant lesions called low risk, that of the least malignant sum first."""
    scored = reviewed.scored
    missed = np.flatnonzero(scored.is_malignant & (scored.malignant < reviewed.low_risk_below))
    return [_describe(reviewed, place) for place in missed[np.argsort(scored.malignant[missed], kind="stable")][:count]]


def list_confusions(reviewed: Reviewed, count: int) -> list[tuple[str, str, int, float]]:
    """The commonest confusions by balanced score: truth, decision, images, and their share of the truth's images."""
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
    """Figures of every part of 20 images or more (``parts``, N, names each image's), with 95 % intervals over lesions.

    Balanced accuracy is over the classes that a part has, which differ between parts.
    """
    names = np.array(parts)
    found = {}
    for part in sorted(set(parts), key=lambda each: (THIRDS.index(each) if each in THIRDS else -1, each)):
        places = np.flatnonzero(names == part)
        if len(places) >= FEWEST:
            found[part] = _measure(reviewed, places)
    return found


def name_thirds(values: Sequence[float]) -> list[str]:
    """Which third of the values each lies in; ``unknown`` where it is not a number."""
    known = np.array(values, np.float64)
    edges = np.nanquantile(known, (1 / 3, 2 / 3)) if not np.isnan(known).all() else np.zeros(2)
    return ["unknown" if np.isnan(value) else THIRDS[int((value > edges).sum())] for value in known]


def _measure(reviewed: Reviewed, places: npt.NDArray[np.int64]) -> dict[str, Any]:
    whole = reviewed.scored
    part = classification.Scored(whole.labels[places], whole.probabilities[places], whole.balanced_scores[places])

    def measure(weights: FloatArray) -> dict[str, FloatArray]:
        values = classification.measure(
            part, weights, low_risk_below=reviewed.low_risk_below, suspicious_from=reviewed.suspicious_from
        )
        return {name: values[name] for name in FIGURES}

    malignant = int(part.is_malignant.sum())
    of = {name: count_judged(name, images=len(places), malignant=malignant) for name in FIGURES}
    found = bootstrap.estimate(measure, [reviewed.lesions[place] for place in places], of=of)
    return {
        "images": len(places),
        "malignant": malignant,
        "classes": len(set(part.labels.tolist())),
        **{name: each.to_json() for name, each in found.items()},
    }


def _describe(reviewed: Reviewed, place: int) -> Mistake:
    scored = reviewed.scored
    decided = int(scored.probabilities[place].argmax())
    return Mistake(
        name=reviewed.names[place],
        truth=CLASSES[int(scored.labels[place])],
        decided=CLASSES[decided],
        probability=round(float(scored.probabilities[place, decided]), DIGITS),
        malignant=round(float(scored.malignant[place]), DIGITS),
    )
