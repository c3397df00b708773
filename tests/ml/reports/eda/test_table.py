"""Statistics by class, against values worked out by hand."""

import pandas as pd
import pytest

from ml.reports.eda.shortcuts import judge_shortcut
from ml.reports.eda.table import associate, separate, share_by_class


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "class": ["MEL", "MEL", "NV", "NV", "NV"],
            "malignant": [True, True, False, False, False],
            "size": [3.0, 5.0, 1.0, 3.0, None],
            "sex": ["male", "male", "female", "female", None],
        }
    )


def test_explained_variance_auc_and_medians() -> None:
    found = separate(table(), "size")
    # Mean 3; total 0 + 4 + 4 + 0 = 8; between 2·1 + 2·1 = 4.
    assert found.explained == pytest.approx(0.5)
    # Of the four pairs of malignant and benign three are won and one is tied.
    assert found.auc == pytest.approx(3.5 / 4)
    assert found.medians == {"MEL": 4.0, "NV": 2.0}
    assert found.missing == 1


def test_cramers_v_is_one_where_a_name_tells_the_class_and_zero_where_it_is_always_the_same() -> None:
    assert associate(table(), "sex") == pytest.approx(1)
    assert associate(table().assign(sex="male"), "sex") == 0


def test_shares_are_of_each_class_and_leave_out_the_unknown() -> None:
    assert share_by_class(table(), "sex").to_dict("index") == {
        "MEL": {"female": 0, "male": 1},
        "NV": {"female": 1, "male": 0},
    }


def test_a_shortcut_is_called_one_only_where_the_intervals_part() -> None:
    def sides(malignant: int, benign: int, of: int) -> dict[str, pd.Series]:
        return {
            "malignant": pd.Series([True] * malignant + [False] * (of - malignant)),
            "benign": pd.Series([True] * benign + [False] * (of - benign)),
        }

    assert "2.0 times as often in malignant pictures, so it can be learnt" in judge_shortcut(
        "ink", sides(200, 100, 1000)
    )
    assert "too few to be sure" in judge_shortcut("ink", sides(2, 1, 1000))
    assert "evenly" in judge_shortcut("ink", sides(110, 100, 1000))
    assert "evenly" in judge_shortcut("ink", sides(0, 0, 10))
