"""Thresholds of the malignant sum."""

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SCALE = 10**4


def threshold_of_sensitivity(malignant: FloatArray, is_malignant: BoolArray, sensitivity: float) -> float:
    """The highest threshold, cut to four digits, at which that share of the malignant images is at or above it."""
    scores = np.sort(malignant[is_malignant])
    missed = len(scores) - math.ceil(sensitivity * len(scores))
    return float(math.floor(scores[missed] * SCALE) / SCALE)


def threshold_of_specificity(malignant: FloatArray, is_malignant: BoolArray, specificity: float) -> float:
    """The lowest threshold, raised to four digits, at which that share of the benign images is below it."""
    scores = np.sort(malignant[~is_malignant])
    below = math.ceil(specificity * len(scores))
    return float((math.floor(scores[below - 1] * SCALE) + 1) / SCALE)
