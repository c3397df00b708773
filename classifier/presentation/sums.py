"""A lesion's malignant sums over time, as a small chart draws them and as the table beside it says them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import sqrt

from classifier.models import LesionReading
from classifier.presentation.examination import ExaminationCard
from classifier.presentation.figures import limit_percent, percent

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 62, 624, 14, 188
MARK = 14
MARKS = (0.0, 0.1, 0.5, 1.0)
ENOUGH = 2
"""Sums that make a course over time."""


@dataclass(frozen=True, slots=True)
class Point:
    """A sum on the chart: the corner of its mark, and what the table says."""

    x: str
    y: str
    day: date
    reading: LesionReading
    total: str
    low_risk_below: str
    suspicious_from: str
    is_by_another_model: bool


@dataclass(frozen=True, slots=True)
class Sums:
    """The chart: ``points`` from the oldest on; ``course`` and the limits as SVG paths; ``changes`` where from one
    point to the next another model read; ``marks`` of the scale, as place and words. Lengths are SVG units as text."""

    points: tuple[Point, ...]
    course: str
    low_risk_below: str
    suspicious_from: str
    changes: tuple[str, ...]
    marks: tuple[tuple[str, str], ...]
    first: date
    last: date

    @property
    def is_by_several_models(self) -> bool:
        """Whether the sums are not all of one model."""
        return bool(self.changes)


def sums_of(cards: Iterable[ExaminationCard]) -> Sums | None:
    """The chart of those examinations whose readings tell a sum; None for fewer than two."""
    told = [(card.day, card.reading) for card in reversed(list(cards)) if card.reading and _limits(card.reading)]
    if len(told) < ENOUGH:
        return None
    days, readings = [day for day, _reading in told], [reading for _day, reading in told]
    xs = _places(days)
    changed = [False, *(one.model_version_id != other.model_version_id for one, other in pairwise(readings))]
    return Sums(
        points=tuple(map(_point, xs, days, readings, changed)),
        course=_course(xs, readings, changed),
        low_risk_below=_steps(xs, [_limits(each)[0] for each in readings]),
        suspicious_from=_steps(xs, [_limits(each)[1] for each in readings]),
        changes=tuple(
            _write((before + x) / 2) for (before, x), new in zip(pairwise(xs), changed[1:], strict=True) if new
        ),
        marks=tuple((_write(_height(each)), percent(each)) for each in MARKS),
        first=days[0],
        last=days[-1],
    )


def _limits(reading: LesionReading) -> tuple[float, ...]:
    """The two limits of a reading that tells a sum; empty for one that does not."""
    limits = (reading.thresholds or {}).get("malignant")
    if reading.malignant_probability is None or not limits:
        return ()
    return (limits["low_risk_below"], limits["suspicious_from"])


def _places(days: list[date]) -> list[float]:
    """Where days stand from left to right; evenly if all are one."""
    span = (days[-1] - days[0]).days
    shares = [(day - days[0]).days / span if span else at / (len(days) - 1) for at, day in enumerate(days)]
    inner = RIGHT - LEFT - 2 * MARK
    return [LEFT + MARK + share * inner for share in shares]


def _height(share: float) -> float:
    """Where a share stands: by its root, so that limits of a few per cent are apart."""
    return BOTTOM - sqrt(share) * (BOTTOM - TOP)


def _write(length: float) -> str:
    return f"{length:.1f}"


def _point(x: float, day: date, reading: LesionReading, changed: bool) -> Point:  # noqa: FBT001 mapped over
    low, high = _limits(reading)
    total = reading.malignant_probability or 0
    return Point(
        x=_write(x - MARK / 2),
        y=_write(_height(total) - MARK / 2),
        day=day,
        reading=reading,
        total=percent(total),
        low_risk_below=limit_percent(low),
        suspicious_from=limit_percent(high),
        is_by_another_model=changed,
    )


def _course(xs: list[float], readings: list[LesionReading], changed: list[bool]) -> str:
    """From sum to sum, broken where another model read."""
    heights = [_height(each.malignant_probability or 0) for each in readings]
    steps = zip(xs, heights, changed, strict=True)
    return " ".join(f"{'M' if new or not at else 'L'}{_write(x)} {_write(y)}" for at, (x, y, new) in enumerate(steps))


def _steps(xs: list[float], limits: list[float]) -> str:
    """A limit from edge to edge, with a step half-way to the first sum that another one holds for."""
    path = f"M{LEFT} {_write(_height(limits[0]))}"
    for (before, x), (one, other) in zip(pairwise(xs), pairwise(limits), strict=True):
        if one != other:
            path += f" H{_write((before + x) / 2)} V{_write(_height(other))}"
    return f"{path} H{RIGHT}"
