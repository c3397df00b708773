"""How often a small change of the photograph changes what is said of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from ml.predictor import Outcome, Reading

ROUNDED = 4
OPPOSITE = {Outcome.LOW_RISK, Outcome.SUSPICIOUS}


def measure_stability(before: Sequence[Reading], after: Mapping[str, Sequence[Reading]]) -> dict[str, Any]:
    """For each change, the share of images whose outcome is another, and whose outcome is the opposite.

    Opposite is *low risk* against *suspicious*. ``any`` counts images that at least one of the changes moves.
    """
    moved = {name: [_differs(*pair) for pair in zip(before, readings, strict=True)] for name, readings in after.items()}
    turned = {
        name: [_is_opposite(*pair) for pair in zip(before, readings, strict=True)] for name, readings in after.items()
    }
    shares = {name: {"changed": _share(moved[name]), "opposite": _share(turned[name])} for name in after}
    return {
        "images": len(before),
        "changes": shares,
        "mean": {
            kind: round(sum(each[kind] for each in shares.values()) / len(shares), ROUNDED)
            for kind in ("changed", "opposite")
        },
        "any": {
            "changed": _share([any(each) for each in zip(*moved.values(), strict=True)]),
            "opposite": _share([any(each) for each in zip(*turned.values(), strict=True)]),
        },
    }


def measure_agreement(before: Sequence[Reading], after: Sequence[Reading]) -> dict[str, float]:
    """Shares of images of which two sets of readings say the same: whether they can be read, flags, outcome."""
    pairs = list(zip(before, after, strict=True))
    return {
        "images": len(pairs),
        "assessable": _share([_refused(one) == _refused(other) for one, other in pairs]),
        "flags": _share([one.flags == other.flags for one, other in pairs]),
        "outcome": _share([one.outcome is other.outcome for one, other in pairs]),
    }


def _differs(one: Reading, other: Reading) -> bool:
    return one.outcome is not other.outcome


def _is_opposite(one: Reading, other: Reading) -> bool:
    return {one.outcome, other.outcome} == OPPOSITE


def _refused(reading: Reading) -> str | None:
    return reading.reason if reading.outcome is Outcome.NOT_ASSESSABLE else None


def _share(holds: Sequence[bool]) -> float:
    return round(sum(holds) / len(holds), ROUNDED)
