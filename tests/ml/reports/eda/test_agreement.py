"""Agreement of the labelling passes and of the heuristics."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.data.split import read_split
from ml.errors import UserError
from ml.reports.eda.agreement import check_artefact, choose_threshold, measure_kappa, read_labels


def test_kappa_of_the_textbook_example() -> None:
    # 20 both yes, 5 yes/no, 10 no/yes, 15 both no: observed 0.7, by chance 0.5, so 0.4.
    first = np.array([1] * 25 + [0] * 25)
    second = np.array([1] * 20 + [0] * 5 + [1] * 10 + [0] * 15)
    assert measure_kappa(first, second) == pytest.approx(0.4)


def test_kappa_is_not_defined_where_nothing_varies() -> None:
    assert measure_kappa(np.zeros(5), np.zeros(5)) is None


def test_the_threshold_lies_between_the_two_sides() -> None:
    scores, seen = np.array([0.1, 0.2, 0.6, 0.9]), np.array([0, 0, 1, 1])
    assert choose_threshold(scores, seen) == [0.2, 0.6]
    assert choose_threshold(scores, np.zeros(4, int)) is None


def test_the_heuristic_is_judged_on_the_other_half_and_only_where_both_passes_agree() -> None:
    labels = pd.DataFrame(
        {
            "image": list("abcdef"),
            "drawn_by": ["random"] * 4 + ["hair"] * 2,
            "hair_1": [1, 1, 0, 0, 1, 1],
            "hair_2": [1, 1, 0, 0, 1, 0],
        }
    )
    # Of the other half (b, d, f) the passes differ on f; b is found and d, wrongly, too.
    check = check_artefact(labels, pd.Series([0.0, 9.0, 9.0, 9.0, 0.0, 0.0]), "hair")
    assert check["agreed"] == [5, 6]
    assert check["sensitivity"] == [1, 1]
    assert check["specificity"] == [0, 1]
    assert check["seen_at_random"] == [2, 4]


def test_the_committed_labels_are_of_100_lesions_outside_the_test_fold() -> None:
    labels = read_labels()
    folds, groups = read_split().fold_of, read_split().group_of
    assert len({groups[image] for image in labels["image"]}) == len(labels) == 100
    assert {folds[image] for image in labels["image"]} <= {"0", "1", "2", "3"}
    assert set(labels.drop(columns=["image", "drawn_by"]).to_numpy().ravel()) == {0, 1}


def test_a_lost_column_is_named(tmp_path: Path) -> None:
    read_labels().drop(columns="ink_2").to_csv(tmp_path / "labels.csv", index=False)
    with pytest.raises(UserError, match="ink_2"):
        read_labels(tmp_path / "labels.csv")
