"""Malignant sums of refused photographs, against candidates of the second limit."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml.serve.interpretation import DETECTED, Reading

REFUSED_LIMITS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)


def list_refused_sums(readings: Sequence[Reading]) -> npt.NDArray[np.float64]:
    """Malignant sums, otherwise not shown, of the readings that a detector refused."""
    return np.array([reading.malignant_probability for reading in readings if reading.reason in DETECTED])


def count_called(readings: Sequence[Reading]) -> dict[str, int]:
    """Number of refused readings that reach each of ``REFUSED_LIMITS``."""
    sums = list_refused_sums(readings)
    return {str(limit): int((sums >= limit).sum()) for limit in REFUSED_LIMITS}
