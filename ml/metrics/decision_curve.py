"""What acting on the malignant sum is worth: net benefit, and predictive values where malignant lesions are rarer."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.metrics import bootstrap
from ml.metrics.classification import Scored

FloatArray = npt.NDArray[np.float64]

THRESHOLDS = (0.02, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
PREVALENCES = (0.01, 0.03, 0.10)
ROUNDED = 4


def measure_net_benefit(scored: Scored, groups: Sequence[str]) -> list[dict[str, Any]]:
    """Net benefit of acting from each threshold of the malignant sum on, and of acting on every lesion.

    True positives less false positives times the threshold's odds, for each lesion (Vickers & Elkin, 2006); with
    intervals over ``groups`` (N,), the lesions.
    """
    ill = scored.is_malignant
    rows = []
    for threshold in THRESHOLDS:
        called, odds = scored.malignant >= threshold, threshold / (1 - threshold)
        worth = np.where(ill, 1.0, -odds)
        each = {"network": worth * called, "act_on_all": worth}

        def measure(weights: FloatArray, each: Mapping[str, FloatArray] = each) -> dict[str, FloatArray]:
            return {name: weights @ values / weights.sum(axis=1) for name, values in each.items()}

        row: dict[str, Any] = {"threshold": threshold}
        for name, interval in bootstrap.intervals(measure, groups).items():
            row[name] = round(float(each[name].mean()), ROUNDED)
            row[f"{name}_interval"] = [round(float(end), ROUNDED) for end in interval]
        rows.append(row)
    return rows


def predictive_values(
    sensitivity: FloatArray, specificity: FloatArray, prevalence: float
) -> tuple[FloatArray, FloatArray]:
    """Positive and negative predictive value by Bayes' rule."""
    ill, well = prevalence * sensitivity, (1 - prevalence) * specificity
    flagged, cleared = ill + (1 - prevalence) * (1 - specificity), well + prevalence * (1 - sensitivity)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(ill / flagged), np.asarray(well / cleared)


def malignant_of_flagged(
    sensitivity: Mapping[str, float | None], specificity: Mapping[str, float | None], prevalence: float
) -> dict[str, float | None]:
    """The share of malignant lesions among the flagged, with an interval, where ``prevalence`` of all are malignant.

    Takes both figures as ``describe`` gives them. Each end comes of the like ends of both: a little wider than by the
    bootstrap that made them, which is not kept.
    """
    names = ("value", "low", "high")
    ends = np.array([[each[name] for name in names] for each in (sensitivity, specificity)], np.float64)  # None: NaN
    return describe(*predictive_values(ends[0], ends[1], prevalence)[0])


def measure_operating_point(
    flagged: npt.NDArray[np.bool_], positive: npt.NDArray[np.bool_], groups: list[str]
) -> dict[str, Any]:
    """Sensitivity, specificity, and predictive values at 1, 3 and 10 % prevalence, with intervals over lesions."""

    def measure(weights: FloatArray) -> dict[str, FloatArray]:
        with np.errstate(invalid="ignore", divide="ignore"):
            sensitivity = (weights @ (flagged & positive)) / (weights @ positive)
            specificity = (weights @ (~flagged & ~positive)) / (weights @ ~positive)
        found = {"sensitivity": sensitivity, "specificity": specificity}
        for prevalence in PREVALENCES:
            ahead, behind = predictive_values(sensitivity, specificity, prevalence)
            found |= {f"ppv_at_{prevalence:g}": ahead, f"npv_at_{prevalence:g}": behind}
        return found

    values, found = measure(np.ones((1, len(flagged)))), bootstrap.intervals(measure, groups)
    return {name: describe(values[name][0], *found[name]) for name in values}


def describe(value: float, low: float, high: float) -> dict[str, float | None]:
    """A figure with its interval as JSON has it; what is not defined is None."""
    given = (("value", value), ("low", low), ("high", high))
    return {name: None if np.isnan(number) else round(float(number), ROUNDED) for name, number in given}
