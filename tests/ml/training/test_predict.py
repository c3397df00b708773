"""How a trained network is to be read is chosen by balanced accuracy: mean recall, and not mean precision."""

import numpy as np
import pytest

from ml.taxonomy import CLASSES
from ml.training.predict import measure_balanced_accuracy

MEL, NV = CLASSES.index("MEL"), CLASSES.index("NV")
LABELS = np.array([MEL] * 2 + [NV] * 8)
UNIFORM = np.full(7, 1 / 7)


def score(decided: list[int]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Scores (N, 7) that decide so."""
    return np.where(np.eye(7)[decided] == 1, 0.88, 0.02)


def test_it_is_the_mean_recall_where_precision_says_the_opposite() -> None:
    # One of two melanomas found and no false alarm: recall (1/2 + 8/8) / 2, precision (1/1 + 8/9) / 2 = 0.944.
    timid = score([MEL, NV] + [NV] * 8)
    # Both found at three false alarms: recall (2/2 + 5/8) / 2, precision (2/5 + 5/5) / 2 = 0.700.
    bold = score([MEL, MEL] + [MEL] * 3 + [NV] * 5)
    assert measure_balanced_accuracy(scores=timid, prior=UNIFORM, labels=LABELS) == pytest.approx(0.75)
    assert measure_balanced_accuracy(scores=bold, prior=UNIFORM, labels=LABELS) == pytest.approx(0.8125)


def test_the_prior_of_the_training_is_divided_out() -> None:
    # 0.2 for melanoma beats 0.6 for nevus where melanoma was shown a tenth as often: 0.2 / 0.05 > 0.6 / 0.5.
    scores = np.tile([0.2, 0.6, 0.04, 0.04, 0.04, 0.04, 0.04], (2, 1))
    prior = np.array([0.05, 0.5, 0.09, 0.09, 0.09, 0.09, 0.09])
    assert measure_balanced_accuracy(scores=scores, prior=prior, labels=np.array([MEL, MEL])) == 1.0
    assert measure_balanced_accuracy(scores=scores, prior=UNIFORM, labels=np.array([MEL, MEL])) == 0.0
