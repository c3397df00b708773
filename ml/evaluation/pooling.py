"""Fit of the rule by which photographs of one lesion are pooled, and its measurement.

Works on photographs that were read before, by lesion; a fold's images in, no network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.bundle.manifest import Manifest, PoolingRule
from ml.data.isic import Record
from ml.metrics import classification
from ml.metrics.bootstrap import estimate
from ml.metrics.estimate import Estimate
from ml.metrics.shares import estimate_weighted_share
from ml.serve.interpretation import FloatArray, Outcome, Reading
from ml.serve.pool import Photograph, compare_photographs, find_weights, pool_probabilities, pool_readings
from ml.taxonomy import DECISIONS

QUALITY = "sharpness"
CANDIDATES: dict[str, tuple[float, float]] = {
    "mean": (0.0, 0.0),
    "weighted by sharpness": (0.0, 1.0),
    "weighted by the square root of the malignant odds": (0.5, 0.0),
    "weighted by the malignant odds": (1.0, 0.0),
    "weighted by both": (0.5, 1.0),
    "the worst alone": (100.0, 0.0),
}
"""Powers of the malignant odds and of the quality."""

COPY_PERCENT, DIFFERENT_PERCENT = 99.0, 2.0
"""Percentiles of the similarity of photographs of one lesion, at which the two limits are set."""

MOST_PAIRS = 200_000
SEED = 2018


@dataclass(frozen=True, slots=True)
class Lesion:
    """A lesion with its label and its photographs that were read."""

    group: str
    label: int
    photographs: tuple[Photograph, ...]


def gather_lesions(records: Sequence[Record], readings: Sequence[Reading]) -> list[Lesion]:
    """Lesions with at least one assessable photograph, each with these alone, in the order of the records."""
    found: dict[str, list[Photograph]] = {}
    labels: dict[str, int] = {}
    for record, reading in zip(records, readings, strict=True):
        if reading.reason in DECISIONS:
            found.setdefault(record.group, []).append(to_photograph(record.image_id, reading))
            labels[record.group] = record.label
    return [Lesion(group, labels[group], tuple(photographs)) for group, photographs in found.items()]


def to_photograph(key: str, reading: Reading) -> Photograph:
    """A reading as the pool takes it, with the quality that the candidates weigh by."""
    return Photograph(
        key=key,
        probabilities=tuple(reading.probabilities.tolist()),
        outcome=reading.outcome,
        reason=reading.reason,
        quality=reading.measures.get(QUALITY),
        embedding=reading.signature or None,
    )


def with_several(lesions: Sequence[Lesion], least: int = 2) -> list[Lesion]:
    """Lesions with at least so many photographs."""
    return [each for each in lesions if len(each.photographs) >= least]


def fit_pooling(lesions: Sequence[Lesion], manifest: Manifest, where: str) -> tuple[PoolingRule, dict[str, Any]]:
    """The rule of least class-mean log loss on lesions with several photographs, and the figures of every candidate.

    Its two limits are percentiles of the similarity of photographs of one lesion; without signatures none is set.
    """
    several = with_several(lesions)
    limits, pairs = fit_similarity(several)
    rules = {name: _make_rule(powers, limits) for name, powers in CANDIDATES.items()}
    measured = {name: measure_rule(several, manifest, rule) for name, rule in rules.items()}
    chosen = min(measured, key=lambda name: measured[name]["log_loss"].value or np.inf)
    how = (
        f"{chosen}: of {len(rules)} rules that of least class-mean log loss on the {len(several)} lesions of {where} "
        f"with several photographs; copies are as near as the nearest {100 - COPY_PERCENT:g} % of {pairs} pairs of "
        f"photographs of one lesion, other lesions as far as the farthest {DIFFERENT_PERCENT:g} %"
    )
    tried = {
        "lesions": len(several),
        "pairs": pairs,
        "chosen": chosen,
        "rules": {name: to_json(figures) for name, figures in measured.items()},
        "similarity": measure_similarity(lesions, rules[chosen]),
    }
    return replace(rules[chosen], how=how), tried


def measure_rule(lesions: Sequence[Lesion], manifest: Manifest, rule: PoolingRule) -> dict[str, Estimate]:
    """Log loss, malignancy AUC and the outcomes' sensitivity and specificity of a rule, a reading for each lesion.

    The losses and the AUC judge the weights alone: they pool all photographs, near-duplicates too.
    """
    ruled = replace(manifest, pooling=rule)
    outcomes = [pool_readings(each.photographs, ruled).outcome for each in lesions]
    pooled = np.stack([_pool(each, rule) for each in lesions])
    return measure_scores(
        [each.label for each in lesions], pooled, outcomes, manifest, [each.group for each in lesions]
    )


def measure_alone(lesions: Sequence[Lesion], manifest: Manifest) -> dict[str, Estimate]:
    """The same figures of single photographs: every lesion counts once, its photographs in equal shares."""
    photographs = [(each, photograph) for each in lesions for photograph in each.photographs]
    shares = np.array([1 / len(each.photographs) for each, _ in photographs])
    probabilities = np.array([photograph.probabilities for _, photograph in photographs])
    outcomes = [Outcome(photograph.outcome) for _, photograph in photographs]
    labels, groups = [each.label for each, _ in photographs], [each.group for each, _ in photographs]
    return measure_scores(labels, probabilities, outcomes, manifest, groups, shares=shares)


def measure_scores(
    labels: Sequence[int],
    probabilities: FloatArray,
    outcomes: Sequence[Outcome],
    manifest: Manifest,
    groups: Sequence[str],
    *,
    shares: FloatArray | None = None,
) -> dict[str, Estimate]:
    """Figures of N readings with their intervals over ``groups``, from probabilities (N, 7); ``shares`` weigh them."""
    balanced = probabilities / manifest.target_prior.frequencies
    scored = classification.Scored(np.array(labels), probabilities, balanced / balanced.sum(axis=1, keepdims=True))
    of_each = np.ones(len(labels)) if shares is None else shares

    def measure(drawn: FloatArray) -> dict[str, FloatArray]:
        weights = drawn * of_each
        return {
            "log_loss": classification.class_mean_log_loss(
                labels=scored.labels, scores=scored.balanced_scores, weights=weights
            ),
            "malignancy_auc": classification.area_under_roc(
                positive=scored.is_malignant, scores=scored.malignant, weights=weights
            ),
        }

    return estimate(measure, groups) | measure_outcomes(scored.is_malignant, outcomes, groups, shares=of_each)


def measure_outcomes(
    malignant: npt.NDArray[np.bool_], outcomes: Sequence[Outcome], groups: Sequence[str], *, shares: FloatArray
) -> dict[str, Estimate]:
    """Sensitivities and specificities of N outcomes, weighed by ``shares`` (N,), with intervals over ``groups``."""
    low = np.array([each == Outcome.LOW_RISK for each in outcomes])
    suspicious = np.array([each == Outcome.SUSPICIOUS for each in outcomes])
    counted = {
        "sensitivity_not_low_risk": (~low, malignant),
        "specificity_low_risk": (low, ~malignant),
        "sensitivity_suspicious": (suspicious, malignant),
        "specificity_not_suspicious": (~suspicious, ~malignant),
    }
    return {
        name: estimate_weighted_share(holds=holds, weights=shares * among, groups=groups)
        for name, (holds, among) in counted.items()
        if among.any()
    }


def fit_similarity(lesions: Sequence[Lesion]) -> tuple[tuple[float, float] | None, int]:
    """The limits of copies and of other lesions, and the number of pairs behind them; None without signatures."""
    similarity = _compare([pair for each in lesions for pair in combinations(each.photographs, 2)])
    if not len(similarity):
        return None, 0
    copy_from, same_from = np.percentile(similarity, (COPY_PERCENT, DIFFERENT_PERCENT))
    return (round(float(copy_from), 4), round(float(same_from), 4)), len(similarity)


def measure_similarity(lesions: Sequence[Lesion], rule: PoolingRule) -> dict[str, Any]:
    """Shares of pairs that look like copies and like other lesions: of one lesion, of different ones, by diagnosis."""
    first = [(each.label, each.photographs[0]) for each in lesions]
    of_two = list(combinations(first, 2))
    if len(of_two) > MOST_PAIRS:
        drawn = np.random.default_rng(SEED).choice(len(of_two), MOST_PAIRS, replace=False)
        of_two = [of_two[index] for index in drawn]
    kinds = {
        "one lesion": [pair for each in lesions for pair in combinations(each.photographs, 2)],
        "two lesions": [(one, other) for (_, one), (_, other) in of_two],
        "two lesions of one diagnosis": [(one, other) for (label, one), (also, other) in of_two if label == also],
    }
    similarity = {kind: _compare(pairs) for kind, pairs in kinds.items()}
    return {
        kind: {
            "pairs": len(values),
            "copies": round(float((values >= rule.copy_from).mean()), 4),
            "different": round(float((values < rule.same_from).mean()), 4),
        }
        for kind, values in similarity.items()
        if len(values)
    }


def _compare(pairs: Sequence[tuple[Photograph, Photograph]]) -> npt.NDArray[np.float64]:
    found = (compare_photographs(*pair) for pair in pairs)
    return np.array([each for each in found if each is not None])


def _make_rule(powers: tuple[float, float], limits: tuple[float, float] | None) -> PoolingRule:
    copy_from, same_from = limits or (2.0, -2.0)
    odds_power, quality_power = powers
    return PoolingRule(odds_power, quality_power, QUALITY if quality_power else None, copy_from, same_from, how="")


def _pool(lesion: Lesion, rule: PoolingRule) -> FloatArray:
    probabilities = np.array([each.probabilities for each in lesion.photographs])
    return pool_probabilities(
        probabilities, find_weights(probabilities, [each.quality for each in lesion.photographs], rule)
    )


def to_json(figures: Mapping[str, Estimate]) -> dict[str, Any]:
    """Figures by name as JSON."""
    return {name: each.to_json() for name, each in figures.items()}
