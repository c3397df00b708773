"""The figure: its views, the regions on them, and which site and side a point has.

One table, ``figure.toml``, holds every line; pages draw it and the server asks it, so that both answer alike. A part
(a face, a hand) is drawn once and placed on views; what is painted later lies on top, and is asked first.
"""

import math
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy

from classifier.anatomy.shapes import Affine, Shape
from classifier.anatomy.sites import SITES, Side

TABLE = Path(__file__).with_name("figure.toml")
VERSION = 1
"""Of the drawing: a stored place names the one that it was chosen on."""
OTHER = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}


class View(TextChoices):
    """What the figure is seen from, or of."""

    FRONT = "front", pgettext_lazy("view of the body", "Front")
    BACK = "back", pgettext_lazy("view of the body", "Back")
    HEAD = "head", pgettext_lazy("view of the body", "Head")
    HANDS = "hands", pgettext_lazy("view of the body", "Hands")
    FEET = "feet", pgettext_lazy("view of the body", "Feet")
    GENITAL = "genital", pgettext_lazy("view of the body", "Genital")


@dataclass(frozen=True)
class Region:
    """A shape on a view that belongs to one site and side."""

    site: str
    side: Side
    shape: Shape


@dataclass(frozen=True)
class Placed:
    """A part where it lies on a view: its outline, which cuts its regions off, and lines that only draw."""

    outline: Shape
    regions: tuple[Region, ...]
    lines: tuple[Shape, ...]


@dataclass(frozen=True)
class Drawing:
    """A view, ``width`` by ``height`` units, its parts from the undermost to the topmost."""

    view: View
    width: int
    height: int
    parts: tuple[Placed, ...]
    captions: tuple[tuple[str, int, int], ...]
    """A key of a text, and the middle of its line."""


def site_at(view: str, x: float, y: float) -> tuple[str, Side] | None:
    """The site and the patient's side at a point of a view; None beside the figure.

    ``x`` and ``y`` run from 0 to 1 from the upper left corner of the view. Raises ValueError for an unknown view.
    """
    drawing = drawings()[View(view)]
    point = (x * drawing.width, y * drawing.height)
    for part in reversed(drawing.parts):
        if not part.outline.holds(point):
            continue
        for region in reversed(part.regions):
            if region.shape.holds(point):
                return region.site, region.side
    return None


@cache
def drawings() -> dict[View, Drawing]:
    """Every view, read once."""
    table = tomllib.loads(TABLE.read_text())
    return {View(name): _draw(View(name), content, table["parts"]) for name, content in table["views"].items()}


def _draw(view: View, content: dict[str, Any], parts: dict[str, Any]) -> Drawing:
    placed = tuple(_place(parts[each["part"]], each) for each in content["place"])
    captions = tuple((key, x, y) for key, x, y in content.get("captions", ()))
    return Drawing(view, content["width"], content["height"], placed, captions)


def _place(part: dict[str, Any], placement: dict[str, Any]) -> Placed:
    """A part on its view. A symmetrical one has ``half`` an outline, and its right half on the page is of ``side``."""
    by, side = _affine(placement), Side(placement["side"])
    is_double = "half" in part
    outline = Shape.parse(part["half"]).doubled() if is_double else Shape.parse(part["outline"])
    regions: list[Region] = []
    for text in part["regions"]:
        site, where, points = (each.strip() for each in text.split("|"))
        shape = Shape.parse(points)
        if where == "middle":
            regions.append(Region(site, Side.MIDLINE, shape.doubled()))
        elif where == "pair":
            regions += [Region(site, side, shape), Region(site, OTHER[side], shape.mirrored())]
        else:
            regions.append(Region(site, side, shape))
    lines = [Shape.parse(text, is_closed=False) for text in part.get("lines", ())]
    lines += [line.mirrored() for line in lines] if is_double else []
    _check(regions)
    return Placed(
        outline.moved(by),
        tuple(Region(each.site, each.side, each.shape.moved(by)) for each in regions),
        tuple(line.moved(by) for line in lines),
    )


def _check(regions: list[Region]) -> None:
    """Raise ValueError where the drawing knows a site, or a side of it, that the table of sites does not."""
    for region in regions:
        if region.site not in SITES or not SITES[region.site].allows(region.side):
            raise ValueError(f"{region.site}, {region.side} is not in the table of sites.")


def _affine(placement: dict[str, Any]) -> Affine:
    """From ``at``, ``anchor`` (which goes there), ``scale`` (a negative x mirrors) and ``turn``, degrees clockwise."""
    (scale_x, scale_y), (x, y) = placement.get("scale", (1, 1)), placement["at"]
    turn = math.radians(placement.get("turn", 0))
    cos, sin = math.cos(turn), math.sin(turn)
    turned = Affine(cos * scale_x, sin * scale_x, -sin * scale_y, cos * scale_y, 0, 0)
    anchor_x, anchor_y = turned.move(placement.get("anchor", (0, 0)))
    return replace(turned, e=x - anchor_x, f=y - anchor_y)
