"""One reading of a lesion out of the readings of its photographs. Needs NumPy only.

The malignant log-odds of the photographs are averaged with the weights of the manifest's rule; within the malignant and
within the benign classes, so are the log-probabilities (a logarithmic opinion pool; Genest and Zidek, Statistical
Science 1:114, 1986). The sum thus lies between the photographs' own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ml.bundle.manifest import Manifest, PoolingRule
from ml.serve.interpretation import FloatArray, Outcome, decide, form_set, softmax
from ml.taxonomy import CLASSES, DECISIONS, MALIGNANT_INDICES

PHOTOGRAPHS_DISAGREE: Final = "photographs_disagree"
DIFFERENT_LESIONS: Final = "different_lesions"
NEAR_DUPLICATE: Final = "near_duplicate"
"""Why a photograph is left out of the pool whose copy is in it."""

REASONS_OF_POOL = (PHOTOGRAPHS_DISAGREE, DIFFERENT_LESIONS)
"""Reasons of an outcome that no single photograph has."""

SEVERITY = (Outcome.LOW_RISK, Outcome.REFER_UNCERTAIN, Outcome.SUSPICIOUS)
"""Outcomes from the least to the most severe; *not assessable* has no rank."""

WITHOUT_RULE = PoolingRule(odds_power=0, quality_power=0, quality_measure=None, copy_from=2, same_from=-2, how="")
"""For an earlier bundle: all photographs weigh the same, and none looks like a copy or like another lesion."""

PARTS = (MALIGNANT_INDICES, tuple(sorted(set(range(len(CLASSES))) - set(MALIGNANT_INDICES))))


@dataclass(frozen=True, slots=True)
class Photograph:
    """A finished reading of one photograph; all of one pool are by the same model.

    ``key`` names it alone. ``probabilities`` (7,) are calibrated, in class order; None or empty if it was not run.
    ``outcome`` and ``reason`` are the photograph's own. ``quality`` is what ``find_quality`` gives, ``embedding`` the
    reading's ``signature``, of any length and scale; None or empty if the model gives none.
    """

    key: str
    probabilities: Sequence[float] | None
    outcome: str
    reason: str
    quality: float | None = None
    embedding: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class PooledReading:
    """The reading of a lesion.

    ``probabilities`` (7,), ``malignant_probability`` and ``prediction_set`` are None if nothing was pooled; ``weights``
    of the ``pooled`` photographs add up to 1; ``left_out`` gives the reason for every other photograph; ``named`` are
    the photographs that ``reason`` is about, such as the one that is suspicious alone.
    """

    outcome: Outcome
    reason: str
    probabilities: tuple[float, ...] | None = None
    malignant_probability: float | None = None
    prediction_set: list[str] | None = None
    weights: dict[str, float] = field(default_factory=dict)
    pooled: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    named: tuple[str, ...] = ()


def pool_readings(photographs: Sequence[Photograph], manifest: Manifest) -> PooledReading:
    """Pool the readings of a lesion's photographs, in the order in which they were added.

    Of one photograph it is that photograph's reading. A near-duplicate weighs nothing beside the earlier of the two.
    One photograph alone *suspicious* or *refer: uncertain* (as a refused likely cancer is too), or declared as what the
    network has not learnt, keeps the lesion from *low risk*, and makes it not *suspicious*. Photographs that look like
    different lesions are not pooled; the outcome is then at least *refer: uncertain*. Raises ``ValueError`` without a
    photograph.
    """
    if not photographs:
        raise ValueError("a pool needs at least one photograph")
    rule = manifest.pooling or WITHOUT_RULE
    assessable = [each for each in photographs if each.reason in DECISIONS]
    refused = [each for each in photographs if each.reason not in DECISIONS]
    left_out = {each.key: each.reason for each in refused}
    if not assessable:
        return replace(_conclude_unread(refused), left_out=left_out)
    parts = split_lesions(assessable, rule)
    readings = [_pool_one_lesion(part, rule, manifest) for part in parts]
    if len(parts) > 1:
        largest = max(parts, key=len)
        return PooledReading(
            outcome=severest([Outcome.REFER_UNCERTAIN, *(each.outcome for each in readings)]),
            reason=DIFFERENT_LESIONS,
            left_out=left_out | {each.key: DIFFERENT_LESIONS for each in assessable},
            named=tuple(each.key for part in parts if part is not largest for each in part),
        )
    pooled = _keep_from_low_risk(readings[0], photographs, manifest)
    return replace(pooled, left_out=left_out | pooled.left_out)


def severest(outcomes: Iterable[str]) -> Outcome:
    """The most severe of outcomes; *not assessable* if none of them has a rank."""
    ranked = [Outcome(each) for each in outcomes if each in SEVERITY]
    return max(ranked, key=SEVERITY.index, default=Outcome.NOT_ASSESSABLE)


def not_below(outcome: str, shown: str | None) -> Outcome:
    """The outcome after photographs were added to a lesion of which ``shown`` was already shown: never a lower one."""
    return severest((outcome,) if shown is None else (outcome, shown))


def find_quality(measures: Mapping[str, float] | None, manifest: Manifest) -> float | None:
    """The measure by which the manifest's rule weighs a photograph; None if it uses none, or this one lacks it."""
    name = None if manifest.pooling is None else manifest.pooling.quality_measure
    return None if name is None else (measures or {}).get(name)


def compare_photographs(one: Photograph, other: Photograph) -> float | None:
    """Cosine of the embeddings of two photographs; None if one has none, or they are of different lengths."""
    if not one.embedding or not other.embedding or len(one.embedding) != len(other.embedding):
        return None
    first, second = np.asarray(one.embedding, np.float64), np.asarray(other.embedding, np.float64)
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / lengths if lengths else None


def split_lesions(photographs: Sequence[Photograph], rule: PoolingRule) -> list[list[Photograph]]:
    """Parts of photographs that look like different lesions, by single linkage at ``rule.same_from``.

    One without an embedding belongs to all. Parts and photographs keep the given order.
    """
    part_of = list(range(len(photographs)))
    for index, each in enumerate(photographs):
        for before in range(index):
            if _may_be_same(each, photographs[before], rule):
                joined, first = sorted((part_of[index], part_of[before]), reverse=True)
                part_of = [first if part == joined else part for part in part_of]
    return [
        [each for each, part in zip(photographs, part_of, strict=True) if part == first]
        for first in sorted(set(part_of))
    ]


def pool_probabilities(probabilities: FloatArray, weights: FloatArray) -> FloatArray:
    """Pool probabilities (N, 7) with weights (N,) ≥ 0 that add up to 1, as (7,)."""
    logs = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
    malignant = 1 / (1 + np.exp(-weights @ find_log_odds(probabilities)))
    pooled = np.empty(len(CLASSES))
    for part, total in zip(PARTS, (malignant, 1 - malignant), strict=True):
        pooled[list(part)] = total * softmax(weights @ _condition(logs[:, list(part)]))
    return pooled


def find_weights(probabilities: FloatArray, qualities: Sequence[float | None], rule: PoolingRule) -> FloatArray:
    """Weights (N,) that add up to 1: powers of each photograph's malignant odds and of its quality.

    Qualities are ignored unless all are known and positive.
    """
    logs = rule.odds_power * find_log_odds(probabilities)
    known = [each for each in qualities if each is not None and each > 0]
    if len(known) == len(qualities):
        logs = logs + rule.quality_power * np.log(known)
    return softmax(logs)


def find_log_odds(probabilities: FloatArray) -> FloatArray:
    """Log-odds (N,) of the malignant sum of probabilities (N, 7)."""
    sums = (np.maximum(probabilities[:, list(part)].sum(axis=1), np.finfo(np.float64).tiny) for part in PARTS)
    malignant, benign = map(np.log, sums)
    return np.asarray(malignant - benign)


def _condition(logs: npt.NDArray[np.float64]) -> FloatArray:
    """Log-probabilities (N, K) within these classes alone."""
    return np.asarray(logs - np.logaddexp.reduce(logs, axis=1, keepdims=True))


def _conclude_unread(refused: Sequence[Photograph]) -> PooledReading:
    """The reading of a lesion without an assessable photograph: the severest of theirs."""
    outcome = severest(each.outcome for each in refused)
    about = [each for each in refused if each.outcome == outcome]
    return PooledReading(outcome, about[0].reason, named=tuple(each.key for each in about))


def _pool_one_lesion(photographs: Sequence[Photograph], rule: PoolingRule, manifest: Manifest) -> PooledReading:
    """Pool assessable photographs that may show the same lesion."""
    chosen = _leave_out_copies(photographs, rule)
    probabilities = np.asarray([each.probabilities for each in chosen], np.float64)
    if len(chosen) == 1:
        found, weights = probabilities[0], np.ones(1)
        outcome, reason = Outcome(chosen[0].outcome), chosen[0].reason
    else:
        weights = find_weights(probabilities, [each.quality for each in chosen], rule)
        found = pool_probabilities(probabilities, weights)
        outcome, reason = decide(found, None, manifest.thresholds)
    balanced = found / manifest.target_prior.frequencies
    keys = {each.key for each in chosen}
    return PooledReading(
        outcome=outcome,
        reason=reason,
        probabilities=tuple(found.tolist()),
        malignant_probability=float(found[list(MALIGNANT_INDICES)].sum()),
        prediction_set=list(form_set(found, balanced / balanced.sum(), manifest.prediction_sets)) or None,
        weights={each.key: float(weight) for each, weight in zip(chosen, weights, strict=True)},
        pooled=tuple(each.key for each in chosen),
        left_out={each.key: NEAR_DUPLICATE for each in photographs if each.key not in keys},
    )


def _keep_from_low_risk(pooled: PooledReading, photographs: Sequence[Photograph], manifest: Manifest) -> PooledReading:
    """The reading, but *refer: uncertain* where one photograph says more than *low risk* and the pool does not."""
    suspicious = [each for each in photographs if each.outcome == Outcome.SUSPICIOUS]
    uncertain = [each for each in photographs if each.outcome == Outcome.REFER_UNCERTAIN]
    declared = [each for each in photographs if each.reason in manifest.not_assessable_where]
    if suspicious and pooled.outcome != Outcome.SUSPICIOUS:
        about, reason = suspicious, PHOTOGRAPHS_DISAGREE
    elif (uncertain or declared) and pooled.outcome == Outcome.LOW_RISK:
        about = uncertain or declared
        reason = about[0].reason
    else:
        return pooled
    named = tuple(each.key for each in about)
    return replace(pooled, outcome=Outcome.REFER_UNCERTAIN, reason=reason, named=named)


def _leave_out_copies(photographs: Sequence[Photograph], rule: PoolingRule) -> list[Photograph]:
    """Photographs of which no earlier one that is kept is a near-duplicate: a later one never alters the others."""
    kept: list[Photograph] = []
    for each in photographs:
        if not any(_is_copy(each, other, rule) for other in kept):
            kept.append(each)
    return kept


def _is_copy(one: Photograph, other: Photograph, rule: PoolingRule) -> bool:
    if np.array_equal(np.asarray(one.probabilities), np.asarray(other.probabilities)):
        return True
    similarity = compare_photographs(one, other)
    return similarity is not None and similarity >= rule.copy_from


def _may_be_same(one: Photograph, other: Photograph, rule: PoolingRule) -> bool:
    similarity = compare_photographs(one, other)
    return similarity is None or similarity >= rule.same_from
