"""A figure with its interval, as JSON has it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

DIGITS = 4


def describe(value: Any, limits: Sequence[Any] | FloatArray) -> list[float | None]:
    """``[value, low, high]`` as JSON has them: rounded, None where a metric is not defined."""
    return [None if np.isnan(each) else round(float(each), DIGITS) for each in (value, *limits)]
