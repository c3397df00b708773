"""Stability of readings under small changes of the photograph."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ml.metrics.bootstrap import estimate_mean
from ml.metrics.estimate import OVER_IMAGES
from ml.metrics.shares import estimate_share
from ml.serve.interpretation import Outcome, Reading

OPPOSITE = {Outcome.LOW_RISK, Outcome.SUSPICIOUS}

Table = list[list[bool]]
"""A row for each change, a column for each image."""


def measure_stability(before: Sequence[Reading], after: Mapping[str, Sequence[Reading]]) -> dict[str, Any]:
    """For each change, the share of images with another outcome, and with the opposite one.

    Opposite is *low risk* against *suspicious*. ``any`` counts images that at least one of the changes moves. The
    images must be of different lesions; intervals are Wilson's, that of ``mean`` is a bootstrap over the images.
    """
    tables = {
        name: [[differs(*pair) for pair in zip(before, readings, strict=True)] for readings in after.values()]
        for name, differs in (("changed", _differs), ("opposite", _is_opposite))
    }
    images = [str(place) for place in range(len(before))]
    return {
        "images": len(before),
        "changes": {
            change: {name: estimate_share(table[place]).to_json() for name, table in tables.items()}
            for place, change in enumerate(after)
        },
        "mean": {
            name: estimate_mean(np.mean(table, axis=0), images, how=OVER_IMAGES).to_json()
            for name, table in tables.items()
        },
        "any": {
            name: estimate_share([any(each) for each in zip(*table, strict=True)]).to_json()
            for name, table in tables.items()
        },
    }


def measure_agreement(before: Sequence[Reading], after: Sequence[Reading]) -> dict[str, Any]:
    """Shares of images on which two sets of readings agree: assessable or not, flags, outcome."""
    pairs = list(zip(before, after, strict=True))
    agreed = {
        "assessable": [_refused(one) == _refused(other) for one, other in pairs],
        "flags": [one.flags == other.flags for one, other in pairs],
        "outcome": [one.outcome is other.outcome for one, other in pairs],
    }
    return {"images": len(pairs), **{name: estimate_share(holds).to_json() for name, holds in agreed.items()}}


def _differs(one: Reading, other: Reading) -> bool:
    return one.outcome is not other.outcome


def _is_opposite(one: Reading, other: Reading) -> bool:
    return {one.outcome, other.outcome} == OPPOSITE


def _refused(reading: Reading) -> str | None:
    return None if reading.is_read else reading.reason
