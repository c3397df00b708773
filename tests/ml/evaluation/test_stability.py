"""Outcomes before and after a change, compared by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ml.evaluation.stability import measure_agreement, measure_stability
from ml.serve.interpretation import Outcome, Reading
from tests.ml.figures import ends

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


def shares(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Without the intervals."""
    return {name: value["value"] if isinstance(value, dict) else value for name, value in entry.items()}


def test_changed_and_opposite_outcomes_are_counted() -> None:
    before = readings([LOW, LOW, HIGH, UNSURE])
    found = measure_stability(
        before, {"mirror": readings([LOW, HIGH, HIGH, UNSURE]), "darker": readings([LOW, UNSURE, LOW, UNSURE])}
    )
    assert found["images"] == 4
    assert shares(found["changes"]["mirror"]) == {"changed": 0.25, "opposite": 0.25}
    assert shares(found["changes"]["darker"]) == {"changed": 0.5, "opposite": 0.25}
    assert shares(found["mean"]) == {"changed": 0.375, "opposite": 0.25}
    assert shares(found["any"]) == {"changed": 0.5, "opposite": 0.5}
    # Wilson's interval of two in four, and the means of four images drawn from 0, 1/2, 1/2 + 1/2 and 0.
    assert ends(found["any"]["changed"]) == [0.5, 0.15, 0.85]
    assert ends(found["mean"]["changed"]) == [0.375, 0.0, 0.75]


def test_agreement_looks_at_refusals_flags_and_outcomes() -> None:
    before = [*readings([LOW], "between_thresholds", ("dark",)), *readings([NONE], "blank_frame", ("dark",))]
    after = [*readings([HIGH], "above_suspicious_threshold", ("dark",)), *readings([NONE], "clinical_photograph")]
    found = measure_agreement(before, after)
    assert shares(found) == {"images": 2, "assessable": 0.5, "flags": 0.5, "outcome": 0.5}
    assert found["outcome"] == found["flags"]
