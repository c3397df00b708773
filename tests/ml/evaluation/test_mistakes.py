"""Errors are found, ordered and counted as by hand."""

import numpy as np
import pytest

from ml.evaluation.mistakes import (
    FEWEST,
    Reviewed,
    list_confident_mistakes,
    list_confusions,
    list_missed_malignant,
    measure_parts,
    name_thirds,
)
from ml.metrics.classification import Scored
from ml.taxonomy import CLASSES
from tests.ml.figures import ends, make_figure

MEL, NV, BCC = (CLASSES.index(code) for code in ("MEL", "NV", "BCC"))


def make_reviewed(rows: list[tuple[int, int, float]]) -> Reviewed:
    """From the truth, the most probable class and its probability of each image; the rest is dealt to the others."""
    probabilities = np.array([np.where(np.arange(7) == decided, sure, (1 - sure) / 6) for _, decided, sure in rows])
    labels = np.array([truth for truth, _, _ in rows])
    names = tuple(f"I{place}" for place in range(len(rows)))
    return Reviewed(names, names, Scored(labels, probabilities, probabilities), 0.2, 0.5)


@pytest.fixture
def reviewed() -> Reviewed:
    return make_reviewed([(MEL, NV, 0.9), (NV, NV, 0.95), (NV, MEL, 0.7), (BCC, NV, 0.95), (MEL, MEL, 0.8)])


def test_the_surest_mistakes_come_first(reviewed: Reviewed) -> None:
    mistakes = list_confident_mistakes(reviewed, 2)
    assert [(each.name, each.truth, each.decided) for each in mistakes] == [("I3", "BCC", "NV"), ("I0", "MEL", "NV")]
    assert mistakes[0].probability == pytest.approx(0.95)
    assert mistakes[0].malignant == pytest.approx(0.025), "three of six classes share what is left"


def test_missed_malignant_lesions_come_by_their_malignant_sum(reviewed: Reviewed) -> None:
    assert [each.name for each in list_missed_malignant(reviewed, 9)] == ["I3", "I0"]


def test_confusions_are_counted_with_their_share_of_the_truth(reviewed: Reviewed) -> None:
    assert set(list_confusions(reviewed, 9)) == {("MEL", "NV", 1, 0.5), ("NV", "MEL", 1, 0.5), ("BCC", "NV", 1, 1.0)}
    assert len(list_confusions(reviewed, 1)) == 1


def test_a_tie_is_a_mistake_of_no_class() -> None:
    even = np.full((1, 7), 1 / 7)
    assert list_confusions(Reviewed(("A",), ("A",), Scored(np.array([MEL]), even, even), 0.2, 0.5), 9) == []


def test_parts_are_measured_apart_and_small_ones_left_out() -> None:
    good = [(MEL, MEL, 0.9), (NV, NV, 0.9)] * 10
    bad = [(MEL, NV, 0.9), (NV, NV, 0.9)] * 10
    parts = ["good"] * 20 + ["bad"] * 20 + ["few"] * (FEWEST - 1)
    found = measure_parts(make_reviewed(good + bad + good[: FEWEST - 1]), parts)
    assert list(found) == ["bad", "good"]
    assert found["good"] == {
        "images": 20, "malignant": 10, "classes": 2, "balanced_accuracy": make_figure(1, 1, 1, n=20),
        "malignancy_auc": make_figure(1, 1, 1, n=20), "sensitivity_not_low_risk": make_figure(1, 1, 1, n=10),
        "specificity_low_risk": make_figure(1, 1, 1, n=10),
    }  # fmt: skip
    assert ends(found["bad"]["balanced_accuracy"]) == [0.5, 0.5, 0.5]
    assert ends(found["bad"]["sensitivity_not_low_risk"]) == [0, 0, 0]


def test_a_part_without_malignant_lesions_has_no_sensitivity() -> None:
    found = measure_parts(make_reviewed([(NV, NV, 0.9)] * 20), ["a"] * 20)
    assert ends(found["a"]["sensitivity_not_low_risk"]) == [None, None, None]
    assert ends(found["a"]["specificity_low_risk"]) == [1, 1, 1]


def test_values_are_named_by_thirds() -> None:
    assert name_thirds([1, 2, 3, 4, 5, 6]) == ["lowest third"] * 2 + ["middle third"] * 2 + ["highest third"] * 2
    assert name_thirds([float("nan"), 1.0])[0] == "unknown"
    assert name_thirds([float("nan")]) == ["unknown"]
