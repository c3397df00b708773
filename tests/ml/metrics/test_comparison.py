"""Tables tell figures with their intervals, what did not run, and who is best by the choosing fold."""

from typing import Any

import pytest

from ml.metrics.comparison import (
    METRICS,
    NOT_RUN,
    choose_best,
    differs_significantly,
    tabulate_costs,
    tabulate_differences,
    tabulate_metrics,
    tabulate_recall,
)
from ml.metrics.estimate import Estimate
from tests.ml.figures import make_figure


def make_result(name: str, choosing: float, test: float | None = None) -> dict[str, Any]:
    def make_part(value: float) -> dict[str, Any]:
        figure = make_figure(value, value - 0.05, value + 0.05)
        recall = {"recall": figure, "images": 3}
        unknown = {"recall": make_figure(None, None, None)}
        return {"metrics": dict.fromkeys(METRICS, figure), "per_class": {"MEL": recall, "DF": unknown}}

    return {
        "name": name,
        "summary": {
            "parameters": 3_380_000,
            "flops": 760_000_000,
            "milliseconds_per_image": 4.26,
            "training_minutes": 12.34,
            "images_seen": 48_128,
            "resolution": 96,
            "initialisation": "scratch",
        },
        "choosing": make_part(choosing),
        "test": None if test is None else make_part(test),
    }


MODELS = [("One", make_result("one", 0.6, 0.7)), ("Two", make_result("two", 0.65)), ("Three", {})]


def test_the_best_is_chosen_by_the_choosing_fold_and_not_by_the_test_fold() -> None:
    better_on_test = [("One", make_result("one", 0.6, 0.9)), ("Two", make_result("two", 0.65, 0.5))]
    assert choose_best(better_on_test)["name"] == "two"
    assert [row[0] for row in tabulate_metrics(better_on_test, "test").rows] == ["One", "**Two**"]
    assert choose_best([("Three", {})]) == {}


def test_what_did_not_run_stands_in_every_table() -> None:
    table = tabulate_metrics(MODELS, "choosing")
    assert table.rows[0][:2] == ("One", "0.600 [0.550, 0.650]")
    assert table.rows[2] == ("Three", *[NOT_RUN] * len(METRICS))
    assert tabulate_metrics(MODELS, "test").rows[1][1:] == (NOT_RUN,) * len(METRICS)
    assert set(tabulate_costs(MODELS).rows[2][1:]) == {NOT_RUN}


def test_costs_are_in_readable_units() -> None:
    assert tabulate_costs(MODELS).rows[0] == ("One", "3.4", "0.76", "4.3", "12.3", "48,128", "96", "scratch")
    without = make_result("svm", 0.5)
    without["summary"] |= {"parameters": None, "flops": None, "resolution": None}
    assert tabulate_costs([("SVM", without)]).rows[0][1:3] == ("-", "-")


def test_recall_is_told_of_each_class_even_where_it_is_not_defined() -> None:
    table = tabulate_recall(MODELS, "choosing")
    assert table.header == ("recall", "MEL", "DF")
    assert table.rows[0] == ("One", "0.600 [0.550, 0.650]", "not defined")


def test_differences_are_signed_and_of_their_fold() -> None:
    figures = {"choosing": make_figure(0.031, 0.004, 0.058), "test": make_figure(-0.01, -0.03, 0.01)}
    comparisons = [
        {"one": "a", "other": "b", "part": part, "differences": {"balanced_accuracy": figure}}
        for part, figure in figures.items()
    ]
    labels = {"a": "A", "b": "B"}
    table = tabulate_differences(comparisons, labels, "choosing")
    assert table.header == ("difference", "balanced accuracy")
    assert table.rows == (("A less B", "+0.031 [+0.004, +0.058]"),)
    assert tabulate_differences([], labels, "choosing").rows == ()


@pytest.mark.parametrize(
    ("difference", "significant"),
    [
        ([0.05, 0.01, 0.09], True),
        ([-0.05, -0.09, -0.01], True),
        ([0.05, -0.01, 0.11], False),
        ([0.015, 0.01, 0.02], False),
        ([None, None, None], False),
    ],
)
def test_a_significant_difference_is_beyond_chance_and_the_noise_of_a_seed(
    difference: list[float | None],
    significant: bool,  # noqa: FBT001
) -> None:
    estimate = Estimate.from_json(dict(zip(("value", "low", "high"), difference, strict=True)))
    assert differs_significantly(estimate) is significant
