"""Stability of readings under small changes of the photograph."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.metrics import bootstrap
from ml.metrics.shares import describe_share
from ml.serve.interpretation import Outcome, Reading

ROUNDED = 4
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
    return {
        "images": len(before),
        "changes": {
            change: _join(describe_share(name, table[index]) for name, table in tables.items())
            for index, change in enumerate(after)
        },
        "mean": _join(_describe_mean(name, table) for name, table in tables.items()),
        "any": _join(
            describe_share(name, [any(row) for row in zip(*table, strict=True)]) for name, table in tables.items()
        ),
    }


def measure_agreement(before: Sequence[Reading], after: Sequence[Reading]) -> dict[str, Any]:
    """Shares of images on which two sets of readings agree: assessable or not, flags, outcome."""
    pairs = list(zip(before, after, strict=True))
    agreed = {
        "assessable": [_refused(one) == _refused(other) for one, other in pairs],
        "flags": [one.flags == other.flags for one, other in pairs],
        "outcome": [one.outcome is other.outcome for one, other in pairs],
    }
    return {"images": len(pairs), **_join(describe_share(name, holds) for name, holds in agreed.items())}


def _describe_mean(name: str, table: Table) -> dict[str, Any]:
    """Mean of the shares of all changes."""
    of_image = np.mean(table, axis=0)

    def measure(weights: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
        return {name: weights @ of_image / weights.sum(axis=1)}

    interval = bootstrap.intervals(measure, [str(index) for index in range(len(of_image))])[name]
    return {
        name: round(float(of_image.mean()), ROUNDED),
        f"{name}_interval": [round(float(end), ROUNDED) for end in interval],
    }


def _join(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {key: value for part in parts for key, value in part.items()}


def _differs(one: Reading, other: Reading) -> bool:
    return one.outcome is not other.outcome


def _is_opposite(one: Reading, other: Reading) -> bool:
    return {one.outcome, other.outcome} == OPPOSITE


def _refused(reading: Reading) -> str | None:
    return None if reading.is_read else reading.reason
