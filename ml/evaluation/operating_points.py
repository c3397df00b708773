"""Thresholds at a given sensitivity or specificity, and those of the outcome rule."""

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from ml.bundle.manifest import MalignantThresholds, MelanomaThresholds, OperatingPoint, Thresholds
from ml.metrics.classification import Scored
from ml.taxonomy import MELANOMA

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SCALE = 10**4
EPSILON = 1e-9  # so that 0.05 times 20 counts as 1
SENSITIVITY = 0.95
MELANOMAS_IN_LOW_RISK = 0.03


def threshold_of_sensitivity(*, malignant: FloatArray, is_malignant: BoolArray, sensitivity: float) -> float:
    """The highest threshold, cut to four digits, with at least that sensitivity."""
    scores = np.sort(malignant[is_malignant])
    missed = len(scores) - math.ceil(sensitivity * len(scores))
    return float(math.floor(scores[missed] * SCALE) / SCALE)


def threshold_of_specificity(*, malignant: FloatArray, is_malignant: BoolArray, specificity: float) -> float:
    """The lowest threshold, raised to four digits, with at least that specificity."""
    scores = np.sort(malignant[~is_malignant])
    below = math.ceil(specificity * len(scores))
    return float((math.floor(scores[below - 1] * SCALE) + 1) / SCALE)


def threshold_of_misses(scores: FloatArray, share: float) -> float:
    """The highest threshold, cut to four digits, that the next score misses with at most that probability.

    Split conformal over ``scores`` (N,): of N + 1 exchangeable scores the next is below the k-th smallest with
    probability at most k / (N + 1). It is 0 if there are too few scores.
    """
    rank = math.floor(share * (len(scores) + 1) + EPSILON)
    return 0.0 if rank < 1 else float(math.floor(np.sort(scores)[rank - 1] * SCALE) / SCALE)


def fit_outcome_rule(scored: Scored, where: str) -> tuple[Thresholds, tuple[OperatingPoint, ...]]:
    """Fit the outcome rule and the operating points on calibrated images of ``where``.

    *Suspicious* starts at the malignant sum that the next malignant lesion reaches with probability 0.95; *low risk*
    is below it, and only if the melanoma probability is below the limit that the next melanoma misses with probability
    0.03.
    """
    melanoma, is_melanoma = scored.probabilities[:, MELANOMA], scored.labels == MELANOMA
    points = (
        _measure_point("malignant", scored.malignant, scored.is_malignant, where),
        _measure_point("melanoma", melanoma, is_melanoma, where),
    )
    suspicious = points[0].threshold
    return Thresholds(
        MalignantThresholds(suspicious, suspicious, points[0].how),
        MelanomaThresholds(
            threshold_of_misses(melanoma[is_melanoma], MELANOMAS_IN_LOW_RISK),
            f"the next melanoma is below it with a chance of at most {MELANOMAS_IN_LOW_RISK:.2f}: conformal bound on "
            f"{where} ({int(is_melanoma.sum())} melanomas of {len(scored.labels)} images)",
        ),
    ), points


def _measure_point(
    name: Literal["malignant", "melanoma"], scores: FloatArray, positive: BoolArray, where: str
) -> OperatingPoint:
    threshold = threshold_of_misses(scores[positive], 1 - SENSITIVITY)
    return OperatingPoint(
        score=name,
        threshold=threshold,
        sensitivity=round(float((scores[positive] >= threshold).mean()), 4),
        specificity=round(float((scores[~positive] < threshold).mean()), 4),
        how=f"the next {name} lesion reaches it with a chance of at least {SENSITIVITY:.2f}: conformal bound on "
        f"{where} ({int(positive.sum())} {name} of {len(scores)} images)",
    )
