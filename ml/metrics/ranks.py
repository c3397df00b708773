"""Spearman's rank correlation without SciPy, for base installs."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def correlate_ranks(*, one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float:
    """Spearman's correlation of two arrays of the same size; 0 if one of them is constant."""
    left, right = (rank(np.ravel(values)) for values in (one, other))
    spread = left.std() * right.std()
    return float(((left - left.mean()) * (right - right.mean())).mean() / spread) if spread else 0.0


def rank(values: npt.NDArray[np.floating]) -> FloatArray:
    """Ranks (N,) from 1; ties share their mean rank."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places])
