"""Intervals resample lesions."""

import numpy as np
import pytest

from ml.metrics.bootstrap import FloatArray, draw_weights, intervals


def mean_of(values: FloatArray) -> object:
    return lambda weights: {"mean": weights @ values / weights.sum(axis=1)}


def test_images_of_one_lesion_are_drawn_together() -> None:
    groups = ["a", "b", "a", "c", "b"]
    weights = np.concatenate(list(draw_weights(groups, 500)))
    assert weights.shape == (500, 5)
    assert np.array_equal(weights[:, 0], weights[:, 2])
    assert np.array_equal(weights[:, 1], weights[:, 4])
    assert np.unique(weights[:, [0, 1, 3]].sum(axis=1)).tolist() == [3]


def test_the_interval_of_a_mean_is_the_textbooks() -> None:
    values = np.random.default_rng(3).normal(10, 2, 1000)
    low, high = intervals(mean_of(values), [str(n) for n in range(1000)])["mean"]  # type: ignore[arg-type] # a lambda
    standard_error = values.std() / np.sqrt(1000)
    assert low == pytest.approx(values.mean() - 1.96 * standard_error, abs=0.02)
    assert high == pytest.approx(values.mean() + 1.96 * standard_error, abs=0.02)


def test_lesions_of_four_equal_images_double_the_width() -> None:
    values = np.repeat(np.random.default_rng(4).normal(size=250), 4)
    widths = [
        np.diff(intervals(mean_of(values), groups)["mean"])[0]  # type: ignore[arg-type] # a lambda
        for groups in ([str(n) for n in range(1000)], [str(n // 4) for n in range(1000)])
    ]
    assert widths[1] / widths[0] == pytest.approx(2, rel=0.1)


def test_the_same_data_give_the_same_interval() -> None:
    values = np.arange(50, dtype=np.float64)
    groups = [str(n) for n in range(50)]
    first, second = (intervals(mean_of(values), groups)["mean"] for _ in range(2))  # type: ignore[arg-type] # a lambda
    assert np.array_equal(first, second)


def test_a_metric_that_no_resample_defines_has_no_interval() -> None:
    result = intervals(lambda weights: {"none": np.full(len(weights), np.nan)}, ["a", "b"], resamples=20)
    assert np.isnan(result["none"]).all()
