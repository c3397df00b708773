"""Decision curve analysis of the malignant sum: net benefit, and predictive values at lower prevalence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.metrics import bootstrap
from ml.metrics.classification import Scored
from ml.metrics.estimate import Estimate

FloatArray = npt.NDArray[np.float64]

THRESHOLDS = (0.02, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
PREVALENCES = (0.01, 0.03, 0.10)


def measure_net_benefit(scored: Scored, groups: Sequence[str]) -> list[dict[str, Any]]:
    """Net benefit of acting from each threshold of the malignant sum on, and of acting on every lesion.

    True positives minus false positives times the threshold's odds, per lesion (Vickers & Elkin, 2006); with intervals
    over ``groups`` (N,), the lesions.
    """
    ill = scored.is_malignant
    rows = []
    for threshold in THRESHOLDS:
        called, odds = scored.malignant >= threshold, threshold / (1 - threshold)
        worth = np.where(ill, 1.0, -odds)
        each = {"network": worth * called, "act_on_all": worth}

        figures = {name: bootstrap.estimate_mean(values, groups).to_json() for name, values in each.items()}
        rows.append({"threshold": threshold, **figures})
    return rows


def predictive_values(
    *, sensitivity: FloatArray, specificity: FloatArray, prevalence: float
) -> tuple[FloatArray, FloatArray]:
    """Positive and negative predictive value by Bayes' rule."""
    ill, well = prevalence * sensitivity, (1 - prevalence) * specificity
    flagged, cleared = ill + (1 - prevalence) * (1 - specificity), well + prevalence * (1 - sensitivity)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(ill / flagged), np.asarray(well / cleared)


def malignant_of_flagged(*, sensitivity: Estimate, specificity: Estimate, prevalence: float) -> Estimate:
    """Positive predictive value at ``prevalence``, with an interval.

    The lower bound combines both lower bounds, the upper one both upper bounds: slightly wider than the bootstrap of
    those figures, which is not stored.
    """
    both = (sensitivity, specificity)
    ends = np.array([[each.value, each.low, each.high] for each in both], np.float64)  # None: NaN
    value, *interval = predictive_values(sensitivity=ends[0], specificity=ends[1], prevalence=prevalence)[0]
    return Estimate.of(value, interval, n=sum(each.n or 0 for each in both), how=sensitivity.how)


def measure_operating_point(
    *, flagged: npt.NDArray[np.bool_], positive: npt.NDArray[np.bool_], groups: list[str]
) -> dict[str, Any]:
    """Sensitivity, specificity, and predictive values at 1, 3 and 10 % prevalence, with intervals over lesions."""

    def measure(weights: FloatArray) -> dict[str, FloatArray]:
        with np.errstate(invalid="ignore", divide="ignore"):
            sensitivity = (weights @ (flagged & positive)) / (weights @ positive)
            specificity = (weights @ (~flagged & ~positive)) / (weights @ ~positive)
        found = {"sensitivity": sensitivity, "specificity": specificity}
        for prevalence in PREVALENCES:
            ahead, behind = predictive_values(sensitivity=sensitivity, specificity=specificity, prevalence=prevalence)
            found |= {f"ppv_at_{prevalence:g}": ahead, f"npv_at_{prevalence:g}": behind}
        return found

    of = {"sensitivity": int(positive.sum()), "specificity": int((~positive).sum())}
    return {name: each.to_json() for name, each in bootstrap.estimate(measure, groups, of=of).items()}
