"""Net benefit and predictive values by hand, and figures for parts of a fold."""

from pathlib import Path

import numpy as np
import pytest

from ml.data.isic import Record
from ml.evaluation.subgroups import measure_skin_tones, measure_subgroups, name_age
from ml.metrics.classification import Scored
from ml.metrics.decision_curve import (
    malignant_of_flagged,
    measure_net_benefit,
    measure_operating_point,
    predictive_values,
)
from ml.metrics.estimate import Estimate
from tests.ml.figures import ends


def scored(malignant: list[float], labels: list[int]) -> Scored:
    probabilities = np.zeros((len(labels), 7))
    probabilities[:, 0] = malignant
    probabilities[:, 1] = 1 - np.array(malignant)
    return Scored(np.array(labels), probabilities, probabilities)


def test_net_benefit_by_hand() -> None:
    # From 0.2: one of four is a true positive, one a false one; the odds are 0.25.
    rows = {
        row["threshold"]: row for row in measure_net_benefit(scored([0.9, 0.3, 0.1, 0.1], [0, 1, 1, 1]), list("abcd"))
    }
    assert rows[0.2]["network"]["value"] == pytest.approx(0.25 - 0.25 * 0.25)
    assert rows[0.2]["act_on_all"]["value"] == pytest.approx(0.25 - 0.75 * 0.25, abs=1e-4)
    assert rows[0.5]["network"]["value"] == pytest.approx(0.25)
    # Of four lesions drawn with replacement none to three are the melanoma, 95 times in a hundred.
    assert ends(rows[0.5]["network"]) == [0.25, 0.0, 0.75]


def test_predictive_values_by_hand() -> None:
    # 1,000 lesions, 30 malignant: 27 flagged rightly, 194 wrongly.
    ahead, behind = predictive_values(sensitivity=np.array([0.9]), specificity=np.array([0.8]), prevalence=0.03)
    assert ahead[0] == pytest.approx(27 / (27 + 194))
    assert behind[0] == pytest.approx(776 / (776 + 3))


def test_the_malignant_of_the_flagged_by_hand() -> None:
    # Of 1,000 lesions 100 are malignant: 90 (80 to 95) flagged rightly, 180 (270 to 90) wrongly.
    sensitivity, specificity = Estimate(0.9, 0.8, 0.95, 100, "x"), Estimate(0.8, 0.7, 0.9, 900, "x")
    found = malignant_of_flagged(sensitivity=sensitivity, specificity=specificity, prevalence=0.1)
    assert found == Estimate(round(90 / 270, 4), round(80 / 350, 4), round(95 / 185, 4), 1000, "x")


def test_the_malignant_of_the_flagged_are_not_defined_where_nothing_was_measured() -> None:
    nothing = Estimate(None, None, None, 0, "x")
    found = malignant_of_flagged(sensitivity=nothing, specificity=Estimate(0.8, 0.7, 0.9, 9, "x"), prevalence=0.1)
    assert (found.value, found.low, found.high) == (None, None, None)


def test_an_operating_point_has_intervals_around_its_values() -> None:
    positive = np.arange(200) < 50
    flagged = np.arange(200) % 5 != 0
    groups = [str(number) for number in range(200)]
    found = measure_operating_point(flagged=flagged ^ ~positive, positive=positive, groups=groups)
    assert found["sensitivity"]["value"] == pytest.approx(0.8)
    assert found["specificity"]["value"] == pytest.approx(0.8)
    assert (found["sensitivity"]["n"], found["specificity"]["n"], found["ppv_at_0.1"]["n"]) == (50, 150, 200)
    for entry in found.values():
        assert entry["low"] <= entry["value"] <= entry["high"]


def record(number: int, age: float | None, sex: str | None) -> Record:
    return Record(f"I{number}", Path(), 0, age=age, sex=sex, site="back", confirmation="histo")


def test_parts_are_named_counted_and_small_ones_left_out() -> None:
    records = [record(number, 20.0 if number < 30 else 75.0, "male" if number < 55 else None) for number in range(60)]
    malignant = [0.9 if number % 2 else 0.1 for number in range(60)]
    found = measure_subgroups(
        scored(malignant, [0 if number % 2 else 1 for number in range(60)]),
        np.array([number % 2 == 0 for number in range(60)]),
        records,
        [str(number) for number in range(60)],
    )
    assert set(found["age"]) == {"0 to 29", "70 and over"}
    assert set(found["sex"]) == {"male"}
    assert found["age"]["0 to 29"]["images"] == 30
    assert found["age"]["0 to 29"]["malignant"] == 15
    assert found["site"]["back"]["sensitivity"] == {
        "value": 1.0,
        "low": 1.0,
        "high": 1.0,
        "n": 30,
        "how": "bootstrap over lesions",
    }


@pytest.mark.parametrize(
    ("age", "band"), [(None, "not stated"), (0, "0 to 29"), (29.9, "0 to 29"), (30, "30 to 49"), (70, "70 and over")]
)
def test_ages_fall_into_bands(age: float | None, band: str) -> None:
    assert name_age(record(0, age, None)) == band


def test_skin_tones_are_grouped_and_actinic_keratosis_counts() -> None:
    rows = [
        {"diagnostic": "ACK" if number % 2 else "NEV", "fitzpatrick": tone, "patient_id": str(number)}
        for number, tone in enumerate(["1.0", "2.0", "4.0", "6.0", "", ""] * 4)
    ]
    found = measure_skin_tones(np.array([float(number % 2) for number in range(24)]), rows)
    assert {name: entry["images"] for name, entry in found.items()} == {"I and II": 8, "IV to VI": 8, "not stated": 8}
    assert found["I and II"]["malignancy_auc"]["value"] == 1.0
