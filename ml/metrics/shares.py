"""Shares of photographs with intervals that say something at 0 and 1 too, where a bootstrap has no width."""

import math
from collections.abc import Sequence

from ml.metrics.estimate import GROUPED_WILSON, WILSON, Estimate

NORMAL_QUANTILE = 1.959963984540054
"""Of the normal distribution at 97.5 %."""


def estimate_share(holds: Sequence[bool], groups: Sequence[str] | None = None) -> Estimate:
    """The share of photographs of which something ``holds`` (N,), with Wilson's interval (JASA 22, 1927).

    Where ``groups`` (N,) name what several photographs are of, a lesion or a patient, the interval is as wide as if
    each group had told but once: rather too wide than too narrow.
    """
    share = float(sum(holds) / len(holds))
    interval = find_interval(share, len(holds if groups is None else set(groups)))
    return Estimate.of(share, interval, n=len(holds), how=WILSON if groups is None else GROUPED_WILSON)


def find_interval(share: float, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of ``count`` independent trials."""
    square = NORMAL_QUANTILE**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    reach = NORMAL_QUANTILE / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)
