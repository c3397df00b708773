"""The body map as pages draw it: views, regions with their words, and pins that do not cover one another."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from classifier.anatomy.figure import Drawing, Region, View, drawings
from classifier.anatomy.sites import SITES, Side, write_place

CAPTIONS: dict[str, Promise] = {
    "face": _("Face"),
    "head_back": _("Back of the head"),
    "right_side": _("Right side of the head"),
    "left_side": _("Left side of the head"),
    "right": pgettext_lazy("side of the body", "right"),
    "left": pgettext_lazy("side of the body", "left"),
    "right_palm": _("Right palm"),
    "left_palm": _("Left palm"),
    "right_hand_back": _("Right hand, back"),
    "left_hand_back": _("Left hand, back"),
    "right_foot_back": _("Right foot, back"),
    "left_foot_back": _("Left foot, back"),
    "right_sole": _("Right sole"),
    "left_sole": _("Left sole"),
    "from_front": _("From the front"),
    "from_below": _("From below"),
}
FROM_BEHIND = {View.BACK}
SIDES_APART = {View.FRONT, View.BACK, View.HANDS, View.FEET, View.GENITAL}
"""Views on whose two halves the patient's sides lie; on the head's, each figure says it itself."""

PIN = (42.0, 20.0)
"""Width and height of a pin's box on its view."""
GAP = 2.0
STEP = 5.5


@dataclass(frozen=True)
class Pin:
    """A lesion on the map: its number, the outcome's kind and word, and where it leads."""

    key: str
    number: str
    view: str
    x: float
    y: float
    kind: str
    word: str
    place: str
    href: str


@dataclass(frozen=True)
class DrawnPin:
    """A pin where it is drawn, in units of its view: the point that it is of, and its box's upper left corner."""

    pin: Pin
    x: float
    y: float
    left: float
    top: float

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the box, to which the leader line goes."""
        return self.left + PIN[0] / 2, self.top + PIN[1] / 2

    @property
    def is_moved(self) -> bool:
        """Whether the box left its point, so that a line must join them."""
        x, y = self.middle
        return abs(x - self.x) > PIN[0] / 2 - 1 or abs(y - self.y) > PIN[1] / 2 - 1


def draw_views(pins: Sequence[Pin] = ()) -> list[dict[str, object]]:
    """Every view for the templates, with its pins."""
    return [_draw(drawing, [pin for pin in pins if pin.view == view]) for view, drawing in drawings().items()]


def _draw(drawing: Drawing, pins: Sequence[Pin]) -> dict[str, object]:
    view = drawing.view
    sides = [Side.LEFT, Side.RIGHT] if view in FROM_BEHIND else [Side.RIGHT, Side.LEFT]
    return {
        "key": view.value,
        "label": view.label,
        "width": drawing.width,
        "height": drawing.height,
        "parts": [
            {"outline": part.outline, "lines": part.lines, "regions": [_write(each) for each in part.regions]}
            for part in drawing.parts
        ],
        "captions": [(CAPTIONS[key], x, y) for key, x, y in drawing.captions],
        "sides": [_whose(side) for side in sides] if view in SIDES_APART else [],
        "pins": spread_pins(pins, width=drawing.width, height=drawing.height),
    }


def _write(region: Region) -> dict[str, object]:
    return {
        "site": region.site,
        "side": region.side.value,
        "path": region.shape.path,
        "order": _order()[region.site],
        "label": write_place(region.site, region.side),
    }


@cache
def _order() -> dict[str, int]:
    return {key: place for place, key in enumerate(SITES)}


def _whose(side: Side) -> Promise:
    return _("Patient's left") if side == Side.LEFT else _("Patient's right")


def spread_pins(pins: Iterable[Pin], *, width: int, height: int) -> list[DrawnPin]:
    """Place each box over its point, or where room is nearest to it, within the view.

    Who comes first stays; the same pins are always drawn alike.
    """
    drawn: list[DrawnPin] = []
    for pin in pins:
        x, y = pin.x * width, pin.y * height
        places = (_inside(x + dx, y + dy, width, height) for dx, dy in _offsets(width, height))
        free = (place for place in places if not any(_overlaps(place, other) for other in drawn))
        drawn.append(DrawnPin(pin, x, y, *next(free, _inside(x, y, width, height))))
    return drawn


@cache
def _offsets(width: int, height: int) -> list[tuple[float, float]]:
    """Steps away from a point, the nearest first."""
    columns, rows = int(width / STEP), int(height / STEP)
    steps = [(STEP * dx, STEP * dy) for dx in range(-columns, columns + 1) for dy in range(-rows, rows + 1)]
    return sorted(steps, key=lambda step: math.hypot(*step))


def _inside(x: float, y: float, width: int, height: int) -> tuple[float, float]:
    """The upper left corner of a box about a point, moved into the view."""
    left, top = x - PIN[0] / 2, y - PIN[1] / 2
    return min(max(left, 1), width - PIN[0] - 1), min(max(top, 1), height - PIN[1] - 1)


def _overlaps(place: tuple[float, float], other: DrawnPin) -> bool:
    left, top = place
    return abs(left - other.left) < PIN[0] + GAP and abs(top - other.top) < PIN[1] + GAP
