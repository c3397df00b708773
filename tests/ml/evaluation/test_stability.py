"""Outcomes before and after a change, compared by hand."""

from collections.abc import Sequence

import numpy as np

from ml.evaluation.stability import measure_agreement, measure_stability
from ml.predictor import Outcome, Reading

LOW, HIGH, UNSURE, NONE = Outcome.LOW_RISK, Outcome.SUSPICIOUS, Outcome.REFER_UNCERTAIN, Outcome.NOT_ASSESSABLE


def readings(outcomes: Sequence[Outcome], reason: str = "", flags: tuple[str, ...] = ()) -> list[Reading]:
    empty = np.zeros(7)
    return [
        Reading(
            logits=np.zeros((1, 7), np.float32),
            probabilities=empty,
            balanced_scores=empty,
            malignant_probability=0.0,
            prediction_set=(),
            outcome=outcome,
            reason=reason,
            flags=flags,
            measures={},
            embedding=np.zeros((1, 2), np.float32),
            runtime="",
            milliseconds={},
        )
        for outcome in outcomes
    ]


def test_changed_and_opposite_outcomes_are_counted() -> None:
    before = readings([LOW, LOW, HIGH, UNSURE])
    found = measure_stability(
        before, {"mirror": readings([LOW, HIGH, HIGH, UNSURE]), "darker": readings([LOW, UNSURE, LOW, UNSURE])}
    )
    assert found["images"] == 4
    assert found["changes"] == {
        "mirror": {"changed": 0.25, "opposite": 0.25},
        "darker": {"changed": 0.5, "opposite": 0.25},
    }
    assert found["mean"] == {"changed": 0.375, "opposite": 0.25}
    assert found["any"] == {"changed": 0.5, "opposite": 0.5}


def test_agreement_looks_at_refusals_flags_and_outcomes() -> None:
    before = readings([LOW, NONE], "blank_frame", ("dark",))
    after = [*readings([HIGH], "x", ("dark",)), *readings([NONE], "clinical_photograph")]
    assert measure_agreement(before, after) == {"images": 2, "assessable": 0.5, "flags": 0.5, "outcome": 0.5}
