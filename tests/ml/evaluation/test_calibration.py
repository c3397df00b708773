"""Temperature and thresholds recover what was put in."""

import numpy as np
import pytest

from ml.evaluation.calibration import Priors, fit_temperature, negative_log_likelihood
from ml.evaluation.fit.calibration import choose_calibration, fit_offsets
from ml.evaluation.operating_points import (
    fit_outcome_rule,
    threshold_of_misses,
    threshold_of_sensitivity,
    threshold_of_specificity,
)
from ml.metrics.classification import Scored
from ml.serve.interpretation import Outcome, calibrate, decide

TRAINING = (0.158, 0.387, 0.107, 0.085, 0.157, 0.051, 0.055)
TARGET = (0.11, 0.67, 0.05, 0.03, 0.11, 0.02, 0.01)


@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    generator = np.random.default_rng(11)
    raw = generator.normal(0, 3, (4_000, 7))
    log_mean = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
    probabilities, _ = calibrate(log_mean, TRAINING, TARGET, temperature)
    drawn = (probabilities.cumsum(axis=1) < generator.random((4_000, 1))).sum(axis=1)
    assert fit_temperature(
        log_mean=log_mean, labels=drawn, training_prior=TRAINING, target_prior=TARGET
    ) == pytest.approx(temperature, rel=0.06)


def test_the_likelihood_by_hand() -> None:
    uniform = (1 / 7,) * 7
    log_mean = np.log(np.array([[0.4, *[0.1] * 6], [0.7, *[0.05] * 6]]))
    loss = negative_log_likelihood(
        log_mean=log_mean, labels=np.array([0, 1]), training_prior=uniform, target_prior=uniform, temperature=1.0
    )
    assert loss == pytest.approx(-(np.log(0.4) + np.log(0.05)) / 2)


def test_the_threshold_of_a_sensitivity_by_hand() -> None:
    scores = np.array([0.05, *np.linspace(0.1, 0.9, 19)])
    ill = np.ones(20, bool)
    # 19 of 20 is 0.95: the lowest may be missed.
    threshold = threshold_of_sensitivity(malignant=scores, is_malignant=ill, sensitivity=0.95)
    assert threshold == pytest.approx(0.1)
    assert (scores >= threshold).mean() == 0.95


def test_the_threshold_of_a_specificity_by_hand() -> None:
    scores = np.linspace(0, 0.9, 10)
    threshold = threshold_of_specificity(malignant=scores, is_malignant=np.zeros(10, bool), specificity=0.9)
    assert (scores < threshold).mean() == 0.9
    assert threshold == pytest.approx(0.8001)


def test_each_threshold_looks_at_its_own_side_only() -> None:
    scores = np.array([0.2, 0.3, 0.9, 0.95])
    ill = np.array([False, False, True, True])
    assert threshold_of_sensitivity(malignant=scores, is_malignant=ill, sensitivity=1.0) == pytest.approx(0.9)
    assert threshold_of_specificity(malignant=scores, is_malignant=ill, specificity=1.0) == pytest.approx(0.3001)


PRIORS = Priors(TRAINING, TARGET)
OFFSETS = (0.0, -0.7, 0.2, 0.0, 0.1, 0.3, 0.1)


def draw(offsets: tuple[float, ...], temperature: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Log mean scores, and labels drawn from what they mean under a temperature and offsets."""
    generator = np.random.default_rng(12)
    raw = generator.normal(0, 3, (count, 7))
    log_mean = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
    probabilities, _ = calibrate(log_mean, TRAINING, TARGET, temperature, offsets)
    return log_mean, (probabilities.cumsum(axis=1) < generator.random((count, 1))).sum(axis=1)


def test_the_offsets_that_made_the_labels_are_found() -> None:
    log_mean, labels = draw(OFFSETS, 0.8, 6_000)
    found = fit_offsets(log_mean, labels, PRIORS, 0.3)
    assert found.temperature == pytest.approx(0.8, rel=0.06)
    # A constant for all classes changes nothing: compare what is left of it.
    assert np.array(found.offsets) - np.mean(found.offsets) == pytest.approx(
        np.array(OFFSETS) - np.mean(OFFSETS), abs=0.15
    )


@pytest.mark.parametrize(("offsets", "has_offsets"), [(OFFSETS, True), ((0.0,) * 7, False)])
def test_offsets_are_used_where_they_help(offsets: tuple[float, ...], *, has_offsets: bool) -> None:
    log_mean, labels = draw(offsets, 1.3, 800)
    groups = [str(number) for number in range(800)]
    calibration, ridge, comparison = choose_calibration(log_mean, labels, groups, PRIORS)
    assert bool(np.abs(calibration.offsets).max() > 0.3) is has_offsets
    assert min(float(each["loss"]) for each in comparison) <= float(comparison[0]["loss"])
    assert (ridge is not None) or calibration.offsets == (0.0,) * 7


def test_the_threshold_of_misses_by_hand() -> None:
    # The next of 20 exchangeable scores is below the smallest of the other 19 with a chance of 1 in 20.
    scores = np.arange(1, 20) / 20
    assert threshold_of_misses(scores, 0.05) == pytest.approx(0.05)
    assert threshold_of_misses(scores, 0.10) == pytest.approx(0.10)
    assert threshold_of_misses(scores, 0.01) == 0.0


def test_the_outcome_rule_keeps_its_promises_on_what_it_was_fitted_on() -> None:
    log_mean, labels = draw((0.0,) * 7, 1.0, 3_000)
    scored = Scored(labels, *calibrate(log_mean, TRAINING, TARGET, 1.0))
    thresholds, points = fit_outcome_rule(scored, "here")
    outcomes = np.array([decide(row, None, thresholds)[0] for row in scored.probabilities])
    assert (outcomes[scored.is_malignant] == Outcome.SUSPICIOUS).mean() >= 0.95
    assert (outcomes[labels == 0] == Outcome.LOW_RISK).mean() <= 0.03
    assert [point.score for point in points] == ["malignant", "melanoma"]
    assert all(point.sensitivity >= 0.95 for point in points)
