"""Probabilities at another prevalence of malignancy than the one that a bundle is calibrated to."""

from collections.abc import Sequence

import numpy as np

from ml.bundle.manifest import Manifest
from ml.serve.interpretation import FloatArray
from ml.taxonomy import MALIGNANT_INDICES


def at_prevalence(probabilities: Sequence[float], malignant_share: float, manifest: Manifest) -> FloatArray:
    """Shift calibrated probabilities (7,) to a ``malignant_share`` strictly between 0 and 1, as (7,).

    Malignant and benign classes each keep their ratios (prior shift, Saerens et al., Neural Computation 2002). Limits
    shift along by ``shift_sum``, so no outcome changes. Raises ``ValueError`` for a share out of bounds.
    """
    values, malignant = np.asarray(probabilities, np.float64), list(MALIGNANT_INDICES)
    factors = np.ones(len(values))
    factors[malignant] = _odds_ratio(malignant_share, find_prevalence(manifest))
    return np.asarray(values * factors / (values * factors).sum())


def shift_sum(malignant: float, malignant_share: float, measured_share: float) -> float:
    """Shift a malignant sum, or a limit of it, from the prevalence ``measured_share`` to ``malignant_share``.

    Both prevalences lie strictly between 0 and 1, else ``ValueError``.
    """
    raised = malignant * _odds_ratio(malignant_share, measured_share)
    return raised / (raised + 1 - malignant)


def find_prevalence(manifest: Manifest) -> float:
    """The malignant share that a bundle's probabilities are calibrated to."""
    frequencies = manifest.target_prior.frequencies
    return sum(frequencies[index] for index in MALIGNANT_INDICES) / sum(frequencies)


def _odds_ratio(share: float, measured: float) -> float:
    """Odds of one share over the odds of another."""
    if not (0 < share < 1 and 0 < measured < 1):
        raise ValueError(f"a prevalence must lie strictly between 0 and 1; these are {share} and {measured}")
    return share * (1 - measured) / (measured * (1 - share))
