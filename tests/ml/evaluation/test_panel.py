"""The panel's figures on readings whose figures are worked by hand, and its rule."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ml.data.isic import Record
from ml.errors import UserError
from ml.evaluation.panel import Sample, compare_panels, describe_sample, draw_sample, measure_panel, passes_rule
from ml.evaluation.panel_conditions import CONDITIONS, Condition, Kind
from ml.metrics.estimate import Estimate
from ml.serve.interpretation import Outcome, Reading
from ml.taxonomy import CLASSES

MEL, NV = 0, 1
LOW, HIGH, UNSURE, NONE = Outcome.LOW_RISK, Outcome.SUSPICIOUS, Outcome.REFER_UNCERTAIN, Outcome.NOT_ASSESSABLE
TWO = (CONDITIONS[0], Condition("noise", Kind.COMMON, None))


def make_record(number: int, label: int) -> Record:
    name = f"ISIC_{number:07d}"
    return Record(
        image_id=name,
        label=label,
        path=Path(f"{name}.jpg"),
        lesion_id=f"HAM_{number:07d}",
        age=None,
        sex=None,
        site=None,
        confirmation=None,
    )


def make_reading(score_of_melanoma: float, outcome: Outcome) -> Reading:
    """A reading whose balanced scores are this for melanoma and the rest for naevus."""
    scores = np.zeros(7)
    scores[[MEL, NV]] = score_of_melanoma, 1 - score_of_melanoma
    return Reading(
        logits=np.zeros((1, 7), np.float32),
        probabilities=scores,
        balanced_scores=scores,
        malignant_probability=score_of_melanoma,
        prediction_set=(),
        outcome=outcome,
        reason="blank_frame" if outcome is NONE else "above_suspicious_threshold",
        flags=(),
        measures={},
        embedding=np.zeros((1, 2), np.float32),
        runtime="",
        milliseconds={},
    )


def make_readings(*given: tuple[float, Outcome]) -> list[Reading]:
    return [make_reading(*each) for each in given]


@pytest.fixture
def sample() -> Sample:
    """Two melanomas, and two naevi that stand for three each."""
    records = tuple(make_record(number, label) for number, label in enumerate((MEL, MEL, NV, NV)))
    return Sample(records, np.array([1.0, 1.0, 3.0, 3.0]))


CLEAN = make_readings((0.5, HIGH), (0.8, HIGH), (0.2, LOW), (0.4, LOW))
NOISY = make_readings((0.25, LOW), (0.8, HIGH), (0.2, LOW), (0.6, NONE))


def values(figures: dict[str, Estimate]) -> dict[str, float | None]:
    return {name: estimate.value for name, estimate in figures.items()}


def test_every_figure_is_that_of_a_sum_by_hand(sample: Sample) -> None:
    found = measure_panel(sample, {"clean": CLEAN, "noise": NOISY}, TWO)
    melanomas, naevi = -math.log(0.25 * 0.8) / 2, -math.log(0.8 * 0.4) / 2
    assert values(found["noise"]) == {
        "log_loss": round((melanomas + naevi) / 2, 4),
        "balanced_accuracy": 0.5,  # one of two melanomas and one of two naevi
        # Of 2 · 6 pairs the melanoma of 0.8 is above all naevi, that of 0.25 above the three of 0.2.
        "malignancy_auc": 0.75,
        "melanoma_recall": 0.5,
        "changed": 0.5,  # one melanoma and three naevi of eight
        "opposite": 0.125,
        "refused": 0.375,
    }
    assert values(found["clean"])["changed"] == 0
    assert found["clean"]["changed"].high == pytest.approx(0.5455, abs=1e-3), "Wilson: z² / (3.2 + z²)"
    assert found["noise"]["melanoma_recall"].n == 2
    assert values(found["common kinds"]) == values(found["panel"]) == values(found["noise"])
    assert "unseen kinds" not in found


def test_a_tie_is_no_melanoma(sample: Sample) -> None:
    found = measure_panel(sample, {"clean": CLEAN, "noise": NOISY}, TWO)
    assert found["clean"]["melanoma_recall"].value == 0.5


def test_a_difference_is_that_of_the_same_lesions(sample: Sample) -> None:
    one, other = {"clean": NOISY, "noise": NOISY}, {"clean": CLEAN, "noise": NOISY}
    found = compare_panels(sample, one, other, TWO)
    melanomas, naevi = -math.log(0.25 / 0.5) / 2, -math.log(0.4 / 0.6) / 2
    assert found["clean"]["log_loss"].value == round((melanomas + naevi) / 2, 4)
    assert found["clean"]["refused"].value == 0.375
    same = found["noise"]["log_loss"]
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_all_but_naevi_are_read_and_each_naevus_stands_for_others() -> None:
    records = [make_record(number, NV if number % 2 else number % 7) for number in range(40)]
    drawn = draw_sample(records, 5)
    naevi = [record for record in drawn.records if record.label == NV]
    others = [record for record in records if record.label != NV]
    assert [record for record in drawn.records if record.label != NV] == others
    total = len(records) - len(others)
    assert len(naevi) == 5
    assert drawn.weights.sum() == pytest.approx(len(records))
    assert set(drawn.weights.tolist()) == {1.0, total / 5}
    assert draw_sample(records, 5).records == drawn.records
    assert describe_sample(drawn)["per_class"]["NV"] == 5
    assert draw_sample(records, None).weights.tolist() == [1.0] * 40
    with pytest.raises(UserError, match="--naevi is 50"):
        draw_sample(records, 50)


def differences(clean: Sequence[float], panel: Sequence[float]) -> dict[str, dict[str, Estimate]]:
    pairs = (("clean", clean), ("panel", panel))
    return {name: {"log_loss": Estimate.of(sum(ends) / 2, ends, n=9, how="")} for name, ends in pairs}


@pytest.mark.parametrize(
    ("clean", "panel", "passes"),
    [
        ((-0.02, 0.009), (-0.05, -0.01), True),
        ((-0.02, 0.009), (-0.05, 0.01), False),  # not worse, nowhere better
        ((-0.02, 0.010), (-0.05, -0.01), False),  # may be worse
        ((-0.02, -0.001), (-0.05, 0.02), True),  # better on photographs as they are
    ],
)
def test_the_rule_asks_for_not_worse_and_somewhere_better(
    clean: tuple[float, float], panel: tuple[float, float], passes: object
) -> None:
    assert passes_rule(differences(clean, panel)) is passes


def test_classes_have_the_order_that_the_figures_assume() -> None:
    assert CLASSES[:2] == ("MEL", "NV")
