"""Wilson's interval against what is published of it and SciPy's, and lesions that count once."""

import numpy as np
import pytest
from scipy.stats import binomtest

from ml.metrics.shares import estimate_share, estimate_weighted_share, find_interval


@pytest.mark.parametrize(("hits", "count"), [(0, 20), (1, 40), (81, 263), (15, 148), (29, 29)])
def test_it_is_scipys(hits: int, count: int) -> None:
    theirs = binomtest(hits, count).proportion_ci(method="wilson")
    assert find_interval(hits / count, count) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_it_is_that_of_newcombes_table() -> None:
    # Newcombe, Stat Med 17 (1998), table I, method 3.
    assert find_interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert find_interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)


def test_a_lesion_counts_once() -> None:
    alone = estimate_share([True, False])
    assert (alone.value, alone.n, alone.how) == (0.5, 2, "Wilson")
    of_lesions = estimate_share([True, True, False, False], ["a", "a", "b", "b"])
    assert (of_lesions.low, of_lesions.high) == (alone.low, alone.high)
    assert (of_lesions.n, of_lesions.how) == (4, "Wilson over groups")
    assert estimate_share([True, True, False, False]).low != alone.low


def test_an_interval_holds_its_share_whatever_is_rounded() -> None:
    for count in range(1, 400):
        for share in (0.0, 1.0):
            low, high = find_interval(share, count)
            assert low <= share <= high


def test_weighted_lesions_count_as_the_equal_ones_of_the_same_variance() -> None:
    """Weights of 1, 1, 3 and 3 vary as 8² / 20 = 3.2 equal ones; the share is 4 of 8."""
    weights = np.array([1.0, 1.0, 3.0, 3.0, 0.0])
    holds = np.array([True, False, True, False, True])
    found = estimate_weighted_share(holds=holds, weights=weights, groups=["a", "b", "c", "d", "e"])
    assert (found.value, found.n, found.how) == (0.5, 4, "Wilson over groups")
    assert (found.low, found.high) == pytest.approx(find_interval(0.5, 3.2), abs=1e-4)
    equal = estimate_weighted_share(
        holds=np.array([True, True, False, False]), weights=np.ones(4), groups=["a", "a", "b", "b"]
    )
    assert (equal.low, equal.high) == pytest.approx(find_interval(0.5, 2), abs=1e-4)
