"""Temperature and thresholds recover what was put in."""

import numpy as np
import pytest

from ml.evaluation.calibration import fit_temperature, negative_log_likelihood
from ml.evaluation.operating_points import threshold_of_sensitivity, threshold_of_specificity
from ml.predictor import calibrate

TRAINING = (0.158, 0.387, 0.107, 0.085, 0.157, 0.051, 0.055)
TARGET = (0.11, 0.67, 0.05, 0.03, 0.11, 0.02, 0.01)


@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    generator = np.random.default_rng(11)
    raw = generator.normal(0, 3, (4_000, 7))
    log_mean = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
    probabilities, _ = calibrate(log_mean, TRAINING, TARGET, temperature)
    drawn = (probabilities.cumsum(axis=1) < generator.random((4_000, 1))).sum(axis=1)
    assert fit_temperature(log_mean, drawn, TRAINING, TARGET) == pytest.approx(temperature, rel=0.06)


def test_the_likelihood_by_hand() -> None:
    uniform = (1 / 7,) * 7
    log_mean = np.log(np.array([[0.4, *[0.1] * 6], [0.7, *[0.05] * 6]]))
    loss = negative_log_likelihood(log_mean, np.array([0, 1]), uniform, uniform, 1.0)
    assert loss == pytest.approx(-(np.log(0.4) + np.log(0.05)) / 2)


def test_the_threshold_of_a_sensitivity_by_hand() -> None:
    scores = np.array([0.05, *np.linspace(0.1, 0.9, 19)])
    ill = np.ones(20, bool)
    # 19 of 20 is 0.95: the lowest may be missed.
    threshold = threshold_of_sensitivity(scores, ill, 0.95)
    assert threshold == pytest.approx(0.1)
    assert (scores >= threshold).mean() == 0.95


def test_the_threshold_of_a_specificity_by_hand() -> None:
    scores = np.linspace(0, 0.9, 10)
    threshold = threshold_of_specificity(scores, np.zeros(10, bool), 0.9)
    assert (scores < threshold).mean() == 0.9
    assert threshold == pytest.approx(0.8001)


def test_each_threshold_looks_at_its_own_side_only() -> None:
    scores = np.array([0.2, 0.3, 0.9, 0.95])
    ill = np.array([False, False, True, True])
    assert threshold_of_sensitivity(scores, ill, 1.0) == pytest.approx(0.9)
    assert threshold_of_specificity(scores, ill, 1.0) == pytest.approx(0.3001)
