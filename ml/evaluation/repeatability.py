"""Repeatability: how far readings of one lesion differ from photograph to photograph, alone and pooled.

The photographs of HAM10000 show a lesion at other angles and magnifications, so this is more than pressing the button
twice. Compare Young et al., "Stress testing reveals gaps in clinic readiness of image-based diagnostic artificial
intelligence models", npj Digital Medicine 4:10 (2021).
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

import numpy as np

from ml.bundle.manifest import Manifest
from ml.evaluation.pooling import Lesion, measure_outcomes, to_json, with_several
from ml.metrics.shares import estimate_share, estimate_weighted_share
from ml.serve.interpretation import Outcome
from ml.serve.pool import DIFFERENT_LESIONS, Photograph, PooledReading, pool_readings
from ml.taxonomy import MALIGNANT_INDICES, MELANOMA

JUDGED = ("differs", "opposite", "crossed")
OPPOSITE = {Outcome.LOW_RISK, Outcome.SUSPICIOUS}
NEVUS = 1
MOST_NEVI, DRAWS = 5, 20
SEED = 2018

Pair = tuple[PooledReading, PooledReading]


def measure_repeatability(lesions: Sequence[Lesion], manifest: Manifest) -> dict[str, Any]:
    """Shares of lesions whose readings differ, are opposite, or lie on both sides of the suspicious limit.

    ``single``: among all single photographs of a lesion with two or more. ``pair``: two single photographs, and
    ``left_out``: a pool of two against a third photograph, both on lesions with three or more, each lesion in equal
    shares; ``without``: the pool of all against that without one, on lesions with two or more. Intervals are Wilson's
    over lesions.
    """
    several, many = with_several(lesions), with_several(lesions, 3)
    alone = {each.group: [pool_readings([one], manifest) for one in each.photographs] for each in several}
    return {
        "lesions": {
            str(count): number for count, number in sorted(Counter(len(each.photographs) for each in several).items())
        },
        "single": _describe_spread([(each, alone[each.group]) for each in several], manifest),
        "pair": _compare([list(combinations(alone[each.group], 2)) for each in many], many, manifest),
        "left_out": _compare([_pool_two(each, manifest) for each in many], many, manifest),
        "without": _compare([_leave_one_out(each, manifest) for each in several], several, manifest),
        "sensitivity": {
            "malignant_lesions": sum(_is_malignant(each) for each in many),
            "single": _measure_caught(many, [alone[each.group] for each in many]),
            "pool_of_two": _measure_caught(many, [_list_pools_of_two(each, manifest) for each in many]),
        },
    }


def measure_dilution(lesions: Sequence[Lesion], manifest: Manifest) -> dict[str, Any]:
    """How often a melanoma is *low risk* when 1 to 5 nevi lie in the same examination, by the number of nevi.

    The first photograph of each melanoma that alone is not *low risk*, with nevi drawn 20 times.
    """
    first = [(each.label, each.photographs[0]) for each in lesions]
    melanomas = [one for label, one in first if label == MELANOMA and one.outcome != Outcome.LOW_RISK]
    nevi = [one for label, one in first if label == NEVUS]
    generator = np.random.default_rng(SEED)
    return {
        "melanomas": len(melanomas),
        "nevi": len(nevi),
        "draws": DRAWS,
        "with": {
            str(count): _count_low(melanomas, nevi, count, generator, manifest) for count in range(1, MOST_NEVI + 1)
        },
    }


def _count_low(
    melanomas: Sequence[Photograph],
    nevi: Sequence[Photograph],
    count: int,
    generator: np.random.Generator,
    manifest: Manifest,
) -> dict[str, int]:
    pooled = [
        pool_readings(
            [melanoma, *(nevi[index] for index in generator.choice(len(nevi), count, replace=False))], manifest
        )
        for melanoma, _ in product(melanomas, range(DRAWS))
    ]
    return {
        "examinations": len(pooled),
        "low_risk": sum(each.outcome == Outcome.LOW_RISK for each in pooled),
        "told_apart": sum(each.reason == DIFFERENT_LESIONS for each in pooled),
    }


def _describe_spread(
    read: Sequence[tuple[Lesion, Sequence[PooledReading]]], manifest: Manifest
) -> dict[str, dict[str, Any]]:
    """Whether any two readings of a lesion differ, for all lesions, malignant and other ones."""
    kinds = {
        "all": read,
        "malignant": [each for each in read if _is_malignant(each[0])],
        "not_malignant": [each for each in read if not _is_malignant(each[0])],
    }
    return {
        kind: {
            name: estimate_share(
                [any(judged[name] for judged in _judge_all(readings, manifest)) for _, readings in of]
            ).to_json()
            for name in JUDGED
        }
        for kind, of in kinds.items()
        if of
    }


def _judge_all(readings: Sequence[PooledReading], manifest: Manifest) -> list[dict[str, bool]]:
    return [_judge(pair, manifest) for pair in combinations(readings, 2)]


def _judge(pair: Pair, manifest: Manifest) -> dict[str, bool]:
    """Whether two readings differ, are opposite, or have sums on both sides of the suspicious limit."""
    limit = manifest.thresholds.malignant.suspicious_from
    sums = [each.malignant_probability for each in pair if each.malignant_probability is not None]
    return {
        "differs": pair[0].outcome != pair[1].outcome,
        "opposite": {each.outcome for each in pair} == OPPOSITE,
        "crossed": len({each >= limit for each in sums}) == 2,
    }


def _compare(pairs: Sequence[Sequence[Pair]], lesions: Sequence[Lesion], manifest: Manifest) -> dict[str, Any]:
    """Mean shares over lesions of pairs of readings that differ, are opposite, or lie on both sides of the limit."""
    judged = [[_judge(pair, manifest) for pair in of_lesion] for of_lesion in pairs]
    groups = [lesion.group for lesion, of_lesion in zip(lesions, judged, strict=True) for _ in of_lesion]
    shares = np.array([1 / len(of_lesion) for of_lesion in judged for _ in of_lesion])
    return {
        name: estimate_weighted_share(
            holds=np.array([each[name] for of_lesion in judged for each in of_lesion]), weights=shares, groups=groups
        ).to_json()
        for name in JUDGED
    }


def _pool_two(lesion: Lesion, manifest: Manifest) -> list[Pair]:
    """Every pool of two photographs of a lesion, with every third photograph alone."""
    return [
        (pool_readings(two, manifest), pool_readings([left], manifest))
        for two in combinations(lesion.photographs, 2)
        for left in lesion.photographs
        if left not in two
    ]


def _leave_one_out(lesion: Lesion, manifest: Manifest) -> list[Pair]:
    """The pool of all photographs of a lesion with each pool that lacks one."""
    whole = pool_readings(lesion.photographs, manifest)
    others = ([one for one in lesion.photographs if one is not left] for left in lesion.photographs)
    return [(whole, pool_readings(each, manifest)) for each in others]


def _list_pools_of_two(lesion: Lesion, manifest: Manifest) -> list[PooledReading]:
    return [pool_readings(two, manifest) for two in combinations(lesion.photographs, 2)]


def _measure_caught(lesions: Sequence[Lesion], readings: Sequence[Sequence[PooledReading]]) -> dict[str, Any]:
    """Sensitivities and specificities of readings, each lesion in equal shares."""
    each_of = [(lesion, one, 1 / len(of)) for lesion, of in zip(lesions, readings, strict=True) for one in of]
    return to_json(
        measure_outcomes(
            np.array([_is_malignant(lesion) for lesion, _, _ in each_of]),
            [one.outcome for _, one, _ in each_of],
            [lesion.group for lesion, _, _ in each_of],
            shares=np.array([share for _, _, share in each_of]),
        )
    )


def _is_malignant(lesion: Lesion) -> bool:
    return lesion.label in MALIGNANT_INDICES
