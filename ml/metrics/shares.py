"""Shares of photographs with Wilson's interval, which has a width at 0 and 1 too, unlike a bootstrap."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml.metrics.estimate import GROUPED_WILSON, WILSON, Estimate

NORMAL_QUANTILE = 1.959963984540054
"""Quantile of the normal distribution at 97.5 %."""


def estimate_share(holds: Sequence[bool], groups: Sequence[str] | None = None) -> Estimate:
    """The share of photographs for which ``holds`` (N,) is true, with Wilson's interval (JASA 22, 1927).

    If ``groups`` (N,) name the lesion or patient of each photograph, each group counts once for the width of the
    interval, which is conservative.
    """
    share = float(sum(holds) / len(holds))
    interval = find_interval(share, len(holds if groups is None else set(groups)))
    return Estimate.of(share, interval, n=len(holds), how=WILSON if groups is None else GROUPED_WILSON)


def estimate_weighted_share(
    *, holds: npt.NDArray[np.bool_], weights: npt.NDArray[np.float64], groups: Sequence[str]
) -> Estimate:
    """The share of ``weights`` (N,) for which ``holds`` (N,) is true; photographs of weight 0 do not count.

    Wilson's interval for as many independent trials as equally weighted groups would have the same variance (Kish,
    Survey Sampling, 1965): the squared sum of the groups' weights by the sum of their squares.
    """
    counted = weights > 0
    _, group_of = np.unique(np.asarray(groups)[counted], return_inverse=True)
    of_group = np.bincount(group_of, weights[counted])
    share = float(weights @ holds / weights.sum())
    interval = find_interval(share, float(of_group.sum() ** 2 / (of_group**2).sum()))
    return Estimate.of(share, interval, n=int(counted.sum()), how=GROUPED_WILSON)


def find_interval(share: float, count: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of ``count`` independent trials."""
    square = NORMAL_QUANTILE**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    reach = NORMAL_QUANTILE / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    # At 0 and 1 a bound is the share itself; rounding must not put it on the other side.
    return min(max(middle - reach, 0.0), share), max(min(middle + reach, 1.0), share)
