"""A paired comparison: the same images, the same resamples."""

from dataclasses import replace

import numpy as np
import pytest

from ml.bundle.folder import Bundle
from ml.errors import UserError
from ml.evaluation.evaluate import Evaluation, LabelledImage, build_report
from ml.evaluation.paired import FIGURES, compare_evaluations
from ml.metrics.classification import FloatArray
from ml.serve.interpretation import Outcome, Reading
from ml.taxonomy import CLASSES
from tests.ml.figures import ends, make_figure

EMPTY = np.empty((0, 0), np.float32)
LABELS = [number % len(CLASSES) for number in range(28)]


def read_as(bundle: Bundle, probabilities: FloatArray, *, outcome: Outcome, first: int = 0) -> Evaluation:
    """An evaluation of 28 images, four of each class, by probabilities (28, 7); two images show each lesion."""
    items = [LabelledImage(f"I{first + place}", label, None, f"L{place // 2}") for place, label in enumerate(LABELS)]
    readings = [
        Reading(EMPTY, row, row, float(row[0]), (), outcome, "", (), {}, EMPTY, "none", {}) for row in probabilities
    ]
    given = [LabelledImage(item.image_id, item.label, bundle.path, item.lesion_id) for item in items]
    return evaluate(bundle, given, readings)


def evaluate(bundle: Bundle, given: list[LabelledImage], readings: list[Reading]) -> Evaluation:
    return Evaluation(bundle, build_report(bundle, bundle.path, None, given, readings), given, readings)


def say(of_truth: FloatArray) -> FloatArray:
    """Probabilities (28, 7) of which the true class's are given, the rest shared alike."""
    rest = (1 - of_truth) / (len(CLASSES) - 1)
    rows = np.repeat(rest[:, np.newaxis], len(CLASSES), axis=1)
    rows[np.arange(len(LABELS)), LABELS] = of_truth
    return rows


def test_every_figure_of_a_model_and_itself_differs_by_nothing(bundle: Bundle) -> None:
    one = read_as(bundle, say(np.linspace(0.1, 0.9, len(LABELS))), outcome=Outcome.LOW_RISK)
    compared = compare_evaluations(one, one)
    assert (compared["images"], compared["lesions"]) == (28, 14)
    assert set(FIGURES) < set(compared["figures"])
    for each in compared["figures"].values():
        assert each["one"] == each["other"]
        assert each["difference"].to_json() | {"n": 0} == make_figure(0, 0, 0, n=0)


def test_where_lesions_are_unknown_the_intervals_are_over_images(bundle: Bundle) -> None:
    known = read_as(bundle, say(np.linspace(0.1, 0.9, len(LABELS))), outcome=Outcome.LOW_RISK)
    one = evaluate(bundle, [replace(item, lesion_id=None) for item in known.items], known.readings)
    compared = compare_evaluations(one, one)
    assert compared["lesions"] is None
    assert {each["difference"].how for each in compared["figures"].values()} == {"bootstrap over images"}


def test_a_class_that_only_one_gets_right_is_a_seventh_of_balanced_accuracy(bundle: Bundle) -> None:
    right = say(np.full(len(LABELS), 0.9))
    wrong_about_nevi = right.copy()
    wrong_about_nevi[np.array(LABELS) == 1] = np.eye(len(CLASSES))[0]
    one, other = (read_as(bundle, rows, outcome=Outcome.LOW_RISK) for rows in (right, wrong_about_nevi))
    figure = compare_evaluations(one, other)["figures"]["balanced_accuracy"]
    assert figure["one"].value == 1
    assert figure["other"].value == pytest.approx(6 / 7, abs=1e-4)
    assert figure["difference"].value == pytest.approx(1 / 7, abs=1e-4)


def test_a_difference_is_seen_that_two_intervals_hide(bundle: Bundle) -> None:
    of_truth = np.exp(-np.random.default_rng(5).uniform(0.5, 5, len(LABELS)))
    one, other = (read_as(bundle, say(each), outcome=Outcome.LOW_RISK) for each in (of_truth * np.exp(0.1), of_truth))
    figure = compare_evaluations(one, other)["figures"]["log_loss"]
    assert (figure["one"].high or 0) > (figure["other"].low or 9)
    assert ends(figure["difference"].to_json()) == pytest.approx([-0.1, -0.1, -0.1], abs=1e-4)


def test_outcomes_are_compared(bundle: Bundle) -> None:
    rows = say(np.full(len(LABELS), 0.9))
    one, other = (read_as(bundle, rows, outcome=each) for each in (Outcome.REFER_UNCERTAIN, Outcome.LOW_RISK))
    figures = compare_evaluations(one, other)["figures"]
    assert figures["refer_uncertain"]["difference"].to_json() == make_figure(1, 1, 1, n=28)
    assert figures["melanomas_low_risk"]["difference"].to_json() == make_figure(-1, -1, -1, n=4)


def test_other_images_are_refused(bundle: Bundle) -> None:
    rows = say(np.full(len(LABELS), 0.9))
    one, other = (read_as(bundle, rows, outcome=Outcome.LOW_RISK, first=first) for first in (0, 1))
    with pytest.raises(UserError, match="did not read the same images"):
        compare_evaluations(one, other)
