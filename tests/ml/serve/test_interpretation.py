"""Scores, calibration and the outcome rule, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from ml.bundle.manifest import MalignantThresholds, MelanomaThresholds, RefusedThresholds, Thresholds
from ml.serve.interpretation import DETECTED, Outcome, average_views, calibrate, decide

LIMITS = Thresholds(MalignantThresholds(0.2, 0.6, ""), MelanomaThresholds(0.1, ""), RefusedThresholds(0.9, ""))
UNIFORM = (1 / 7,) * 7


def test_scores_follow_the_definition_by_hand() -> None:
    # Two classes matter: views say 0.8 and 0.6 for the first, so the mean is 0.7; the rest is made negligible.
    logits = np.full((2, 7), -40.0)
    logits[:, 0] = np.log([0.8, 0.6])
    logits[:, 1] = np.log([0.2, 0.4])
    training, target = (0.5, 0.25, *[0.05] * 5), (0.1, 0.4, *[0.1] * 5)
    probabilities, balanced = calibrate(average_views(logits), training, target, 1.0)
    # 0.7/0.5 : 0.3/0.25 = 1.4 : 1.2, then times 0.1 and 0.4: 0.14 : 0.48.
    assert balanced[:2] == pytest.approx([1.4 / 2.6, 1.2 / 2.6])
    assert probabilities[:2] == pytest.approx([0.14 / 0.62, 0.48 / 0.62])


def test_the_temperature_is_an_exponent_before_the_target_prior() -> None:
    log_mean = np.log(np.array([0.64, 0.16, 0.04, 0.04, 0.04, 0.04, 0.04]))
    _, balanced = calibrate(log_mean, UNIFORM, UNIFORM, 2.0)
    assert balanced == pytest.approx(np.array([4, 2, 1, 1, 1, 1, 1]) / 11)


def test_an_impossible_class_stays_finite() -> None:
    probabilities, balanced = calibrate(average_views(np.array([[0.0, *[-2000.0] * 6]])), UNIFORM, UNIFORM, 0.5)
    assert np.isfinite(probabilities).all()
    assert balanced[0] == pytest.approx(1)


def share(malignant: float, melanoma: float) -> np.ndarray:
    """Probabilities of that malignant sum, of which melanoma has that much."""
    return np.array([melanoma, 1 - malignant, malignant - melanoma, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("malignant", "melanoma", "outcome", "reason"),
    [
        (0.1999, 0.0999, Outcome.LOW_RISK, "below_low_risk_threshold"),
        (0.1999, 0.1, Outcome.REFER_UNCERTAIN, "melanoma_not_excluded"),
        (0.2, 0.0, Outcome.REFER_UNCERTAIN, "between_thresholds"),
        (0.5999, 0.5999, Outcome.REFER_UNCERTAIN, "between_thresholds"),
        (0.6, 0.0, Outcome.SUSPICIOUS, "above_suspicious_threshold"),
        (0.6, 0.6, Outcome.SUSPICIOUS, "above_suspicious_threshold"),
    ],
)
def test_the_outcome_follows_the_thresholds(malignant: float, melanoma: float, outcome: Outcome, reason: str) -> None:
    assert decide(share(malignant, melanoma), None, LIMITS) == (outcome, reason)


@pytest.mark.parametrize("reason", ["blank_frame", "nail"])
def test_what_cannot_be_assessed_outweighs_the_thresholds(reason: str) -> None:
    assert decide(share(0.99, 0.99), reason, LIMITS) == (Outcome.NOT_ASSESSABLE, reason)


@pytest.mark.parametrize("reason", DETECTED)
def test_a_likely_cancer_that_a_detector_refuses_is_referred_from_the_second_limit_on(reason: str) -> None:
    assert decide(share(0.8999, 0.8), reason, LIMITS) == (Outcome.NOT_ASSESSABLE, reason)
    assert decide(share(0.9, 0.0), reason, LIMITS) == (Outcome.REFER_UNCERTAIN, reason)
    without = replace(LIMITS, refused=None)
    assert decide(share(0.99, 0.0), reason, without) == (Outcome.NOT_ASSESSABLE, reason), "an earlier bundle"
