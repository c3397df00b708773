"""Prediction sets with 90 % coverage by split conformal prediction: choice and measurement."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from ml.bundle.manifest import SET_SCORES, PredictionSets
from ml.evaluation.cross_validation import grouped_parts
from ml.metrics import bootstrap
from ml.metrics.classification import Scored
from ml.metrics.estimate import CLOPPER_PEARSON, DIGITS, Estimate
from ml.serve.interpretation import in_sets
from ml.taxonomy import CLASSES, MELANOMA

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Rescore = Callable[[npt.NDArray[np.int64]], Scored]

COVERAGE = 0.90
LEAST_MELANOMA_COVERAGE = 0.85
FEW = 30
EPSILON = 1e-9  # so that 0.1 times 20 counts as 2
CUMULATIVE = "cumulative probabilities"


def fit_limit(true_scores: FloatArray) -> float:
    """The lowest score, cut to six digits, that the next lesion's true class reaches with probability 0.90.

    ``true_scores`` (N,) are those of the true classes (Sadinle et al., JASA 2019; Vovk et al. for the finite N).
    """
    rank = max(1, math.floor((1 - COVERAGE) * (len(true_scores) + 1) + EPSILON))
    return float(math.floor(np.sort(true_scores)[rank - 1] * 1e6) / 1e6)


def choose_sets(
    scored: Scored, rescore: Rescore, groups: Sequence[str], where: str
) -> tuple[PredictionSets, list[dict[str, Any]]]:
    """The rule of the smallest sets among those that keep coverage of melanoma, and the comparison of all rules.

    ``rescore`` gives all images' scores by a calibration fitted on the given indices, so that each part is judged by a
    fit on the others. Sets of cumulative probabilities (Romano et al., NeurIPS 2020) are compared, not served.
    """
    names = (*SET_SCORES, CUMULATIVE)
    sets = {name: np.zeros((len(scored.labels), len(CLASSES)), bool) for name in names}
    for fitting, judging in grouped_parts(groups):
        fitted = rescore(fitting)
        true = np.arange(len(fitted.labels)), fitted.labels
        for name in names:
            scores = _scores(fitted, name)
            sets[name][judging] = in_sets(scores[judging], fit_limit(scores[true][fitting]))
    comparison = {name: _summarise(sets[name], scored.labels) for name in names}
    kept = [name for name in SET_SCORES if comparison[name]["melanoma_coverage"] >= LEAST_MELANOMA_COVERAGE]
    if kept:
        best = min(kept, key=lambda name: comparison[name]["mean_size"])
    else:
        best = max(SET_SCORES, key=lambda name: comparison[name]["melanoma_coverage"])
    scores = _scores(scored, best)[np.arange(len(scored.labels)), scored.labels]
    rule = PredictionSets(best, fit_limit(scores), COVERAGE, f"split conformal on {where} ({len(scores)} images)")
    return rule, [{"score": name, **figures} for name, figures in comparison.items()]


def measure_sets(scored: Scored, rule: PredictionSets, groups: Sequence[str]) -> dict[str, Any]:
    """Coverage with its interval over lesions, by class with Clopper-Pearson intervals, and the sizes of the sets.

    A class of fewer than 30 images is pooled with the other small ones.
    """
    sets = in_sets(_scores(scored, rule.score), rule.at_least)
    covered, sizes = sets[np.arange(len(sets)), scored.labels], sets.sum(axis=1)

    def weigh(weights: FloatArray) -> dict[str, FloatArray]:
        return {"coverage": weights @ covered / weights.sum(axis=1), "size": weights @ sizes / weights.sum(axis=1)}

    counts = np.bincount(scored.labels, minlength=len(CLASSES))
    few = [code for code, count in zip(CLASSES, counts, strict=True) if 0 < count < FEW]
    pools = [(code,) for code in CLASSES if code not in few and counts[CLASSES.index(code)]] + (
        [tuple(few)] * bool(few)
    )
    return {
        **{name: each.to_json() for name, each in bootstrap.estimate(weigh, groups).items()},
        "sizes": {str(size): int((sizes == size).sum()) for size in np.unique(sizes)},
        "classes": {
            " and ".join(pool): _estimate_coverage(
                covered[np.isin(scored.labels, [CLASSES.index(code) for code in pool])]
            ).to_json()
            for pool in pools
        },
    }


def _scores(scored: Scored, name: str) -> FloatArray:
    if name != CUMULATIVE:
        return np.asarray(getattr(scored, name))
    order = np.argsort(-scored.probabilities, axis=1)
    summed = np.take_along_axis(scored.probabilities, order, 1).cumsum(axis=1)
    result = np.empty_like(summed)
    np.put_along_axis(result, order, 1 - summed, 1)
    return result


def _summarise(sets: BoolArray, labels: npt.NDArray[np.int64]) -> dict[str, float]:
    covered = sets[np.arange(len(labels)), labels]
    return {
        "coverage": round(float(covered.mean()), DIGITS),
        "melanoma_coverage": round(float(covered[labels == MELANOMA].mean()), DIGITS),
        "mean_size": round(float(sets.sum(axis=1).mean()), DIGITS),
    }


def _estimate_coverage(covered: BoolArray) -> Estimate:
    """Coverage of one class with its Clopper-Pearson interval."""
    hits, count = int(covered.sum()), len(covered)
    return Estimate.of(hits / count, clopper_pearson(hits, count), n=count, how=CLOPPER_PEARSON)


def clopper_pearson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % Clopper-Pearson interval of ``hits`` out of ``count`` independent trials (Biometrika 26, 1934)."""
    low = 0.0 if hits == 0 else float(beta.ppf(0.025, hits, count - hits + 1))
    high = 1.0 if hits == count else float(beta.ppf(0.975, hits + 1, count - hits))
    return low, high
