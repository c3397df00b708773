"""Mean average precision as reckoned by hand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.build.similar_cases import build_cases
from ml.data.isic import Record
from ml.evaluation.similar_cases import average_precision, measure_similar_cases
from ml.serve.similar_cases import SimilarCases
from tests.ml.figures import make_figure
from tests.ml.pictures import draw_lesion


def test_average_precision_of_short_rankings() -> None:
    # Relevant at the first and third place: (1/1 + 2/3) / 2; at the last of four: 1/4; nowhere: 0.
    relevant = np.array([[1, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]], bool)
    assert average_precision(relevant) == pytest.approx([5 / 6, 1 / 4, 0])


@pytest.fixture
def cases(tmp_path: Path) -> SimilarCases:
    """Twenty lesions: ten melanomas along one axis, ten naevi along another."""
    path = tmp_path / "lesion.jpg"
    draw_lesion().save(path)
    lesions = [[Record(f"ISIC_{number:07}", path, number % 2, None, confirmation="histo")] for number in range(20)]
    arrays = build_cases(lesions, embed([number % 2 for number in range(20)], seed=1), embed([0, 1], seed=2))
    return SimilarCases(replace(arrays, copy_from=np.array(0.9999, np.float32)))


def embed(labels: list[int], *, seed: int) -> np.ndarray[Any, Any]:
    axes = np.eye(2, 12)[labels]
    return (axes[:, None] + np.random.default_rng(seed).normal(0, 0.05, (len(labels), 2, 12))).astype(np.float32)


def test_photographs_among_their_own_class_have_the_highest_precision(cases: SimilarCases) -> None:
    labels = np.array([0, 0, 1, 1])
    found = measure_similar_cases(cases, list(embed(labels.tolist(), seed=3)), labels, ["a", "b", "c", "d"])
    assert found["mean_average_precision"] == {"mean": make_figure(1.0, 1.0, 1.0, n=4), "MEL": 1.0, "NV": 1.0}
    assert found["precision"]["mean"] == make_figure(1.0, 1.0, 1.0, n=4)
    assert (found["photographs"], found["cases"], found["copies"]) == (4, 20, 0)
    assert found["by_chance"]["MEL"] == found["by_chance"]["NV"] == 0.5


def test_photographs_among_the_other_class_have_the_lowest(cases: SimilarCases) -> None:
    labels = np.array([0, 1])
    found = measure_similar_cases(cases, list(embed([1, 0], seed=3)), labels, ["a", "b"])
    assert found["precision"] == {"mean": make_figure(0.0, 0.0, 0.0, n=2), "MEL": 0.0, "NV": 0.0}
    # All ten of the other class come first: the mean of 1/11, 2/12, ... 10/20.
    worst = np.mean([place / (10 + place) for place in range(1, 11)])
    assert found["mean_average_precision"]["MEL"] == pytest.approx(worst, abs=1e-4)


def test_a_copy_is_counted_and_its_case_is_never_relevant(cases: SimilarCases) -> None:
    copy = embed([number % 2 for number in range(20)], seed=1)[0]
    found = measure_similar_cases(cases, [copy], np.array([0]), ["a"])
    assert found["copies"] == 1
    assert found["mean_average_precision"]["MEL"] == 1.0
