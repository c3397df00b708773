"""What acting on the malignant sum is worth: net benefit, and predictive values where malignant lesions are rarer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.evaluation import bootstrap
from ml.evaluation.metrics import Scored

FloatArray = npt.NDArray[np.float64]

THRESHOLDS = (0.02, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
PREVALENCES = (0.01, 0.03, 0.10)
ROUNDED = 4


def measure_net_benefit(scored: Scored) -> list[dict[str, float]]:
    """Net benefit of acting from each threshold of the malignant sum on, and of acting on every lesion.

    True positives less false positives times the threshold's odds, for each lesion (Vickers & Elkin, 2006).
    """
    prevalence = scored.is_malignant.mean()
    rows = []
    for threshold in THRESHOLDS:
        called, odds = scored.malignant >= threshold, threshold / (1 - threshold)
        benefit = (called & scored.is_malignant).mean() - (called & ~scored.is_malignant).mean() * odds
        everybody = prevalence - (1 - prevalence) * odds
        values = {"threshold": threshold, "network": benefit, "act_on_all": everybody}
        rows.append({name: round(float(value), ROUNDED) for name, value in values.items()})
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
