"""Probabilities at a clinic's prevalence."""

import numpy as np
import pytest

from ml.bundle.folder import Bundle
from ml.serve.prevalence import at_prevalence, find_prevalence, shift_sum

THREE_PERCENT = 0.03


def of_sum(malignant: float) -> list[float]:
    """Probabilities of that malignant sum: MEL twice BCC; NV three times BKL."""
    benign = 1 - malignant
    return [malignant * 2 / 3, benign * 3 / 4, malignant / 3, 0, benign / 4, 0, 0]


@pytest.mark.parametrize(("malignant", "percent"), [(0.58, 15), (0.40, 8), (0.94, 67)])
def test_at_three_percent_malignant_a_sum_is_smaller(bundle: Bundle, malignant: float, percent: int) -> None:
    shifted = at_prevalence(of_sum(malignant), THREE_PERCENT, bundle.manifest)
    assert round(100 * (shifted[0] + shifted[2] + shifted[3])) == percent
    assert shifted.sum() == pytest.approx(1)
    assert (shifted[0] / shifted[2], shifted[1] / shifted[4]) == pytest.approx((2, 3))


def test_the_limit_shifts_along_with_the_sums_so_that_no_outcome_changes(bundle: Bundle) -> None:
    measured = find_prevalence(bundle.manifest)
    assert round(100 * shift_sum(0.0715, THREE_PERCENT, measured), 1) == 1.0
    sums = np.linspace(0, 1, 501)
    shifted = [shift_sum(float(each), THREE_PERCENT, measured) for each in sums]
    assert [each >= shift_sum(0.0715, THREE_PERCENT, measured) for each in shifted] == (sums >= 0.0715).tolist()
    assert (shifted[0], shifted[-1]) == (0, 1)


def test_at_the_measured_prevalence_nothing_changes(bundle: Bundle) -> None:
    measured = find_prevalence(bundle.manifest)
    assert measured == pytest.approx(0.195, abs=0.0005)
    assert at_prevalence(of_sum(0.3), measured, bundle.manifest) == pytest.approx(of_sum(0.3))


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_a_prevalence_out_of_bounds_is_refused(bundle: Bundle, share: float) -> None:
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        at_prevalence(of_sum(0.3), share, bundle.manifest)
