"""A figure with its interval keeps its numbers, and is written in one way."""

import json

import numpy as np
import pytest

from ml.metrics.estimate import OVER_LESIONS, Estimate, count_judged, table

FIGURE = Estimate(0.61234, 0.58, 0.6444, 798, OVER_LESIONS)
NOTHING = Estimate(None, None, None, 0, OVER_LESIONS)


def test_the_shape_round_trips() -> None:
    written = json.loads(json.dumps(FIGURE.to_json()))
    assert written == {"value": 0.61234, "low": 0.58, "high": 0.6444, "n": 798, "how": "bootstrap over lesions"}
    assert Estimate.from_json(written) == FIGURE
    assert Estimate.from_json(NOTHING.to_json()) == NOTHING


def test_a_figure_of_schema_2_lacks_its_number_and_method() -> None:
    assert Estimate.from_json({"value": 0.5, "low": 0.4, "high": 0.6}) == Estimate(0.5, 0.4, 0.6, None, "")


def test_numbers_are_rounded_and_nan_is_not_defined() -> None:
    found = Estimate.of(np.float64(0.123456), np.array([0.1, np.nan]), n=3, how="Wilson")
    assert found == Estimate(0.1235, 0.1, None, 3, "Wilson")
    assert Estimate.of(0.1234567, (0.1, 0.2), n=3, how="Wilson", digits=6).value == 0.123457


def test_it_is_written_with_its_interval() -> None:
    assert str(FIGURE) == "0.612 [0.580, 0.644]"
    assert FIGURE.text(2) == "0.61 [0.58, 0.64]"
    assert FIGURE.text(1, percent=True) == "61.2 % [58.0, 64.4]"
    assert Estimate(0.031, -0.004, 0.058, 9, "").text(signed=True) == "+0.031 [-0.004, +0.058]"
    assert Estimate(0.5, None, None, 9, "").text() == "0.500"
    assert NOTHING.text(signed=True) == "not defined"


@pytest.mark.parametrize(
    ("low", "high", "excludes"), [(0.01, 0.09, True), (-0.09, -0.01, True), (-0.01, 0.11, False), (None, None, False)]
)
def test_an_interval_on_one_side_of_nought_excludes_it(low: float | None, high: float | None, excludes: bool) -> None:  # noqa: FBT001
    assert Estimate(0.05, low, high, 9, "").excludes_zero is excludes


def test_a_sensitivity_is_of_the_malignant_and_a_specificity_of_the_others() -> None:
    names = ("sensitivity_suspicious", "specificity", "malignancy_auc")
    assert [count_judged(name, images=798, malignant=156) for name in names] == [156, 642, 798]


def test_tables_are_markdown_and_aligned_text() -> None:
    made = table(("model", "x"), (("a", 1), ("longer", FIGURE), ("**best**", "-")))
    assert made.to_markdown().splitlines() == [
        "| model | x |",
        "| --- | --- |",
        "| a | 1 |",
        "| longer | 0.612 [0.580, 0.644] |",
        "| **best** | - |",
    ]
    assert made.to_text().splitlines() == ["model   x", "a       1", "longer  0.612 [0.580, 0.644]", "best *  -"]
    assert str(made) == made.to_markdown()
