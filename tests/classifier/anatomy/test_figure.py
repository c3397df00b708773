"""The figure answers for every point with the site and the patient's side, as an anatomist would."""

import random
from collections import Counter
from pathlib import Path

import pytest

from classifier.anatomy.figure import View, drawings, site_at
from classifier.anatomy.sites import SITES, Side

POINTS = [line.split() for line in Path(__file__).with_name("points.txt").read_text().splitlines()]
"""View, x, y, site, side: chosen by looking at the figure, not by asking it."""

MIRROR = {"left": "right", "right": "left", "midline": "midline"}


def test_named_points_are_where_an_anatomist_says() -> None:
    wrong = [point for point in POINTS if site_at(point[0], float(point[1]), float(point[2])) != (point[3], point[4])]
    assert (len(POINTS), wrong) == (120, [])


def test_every_view_and_both_sides_are_among_the_named_points() -> None:
    assert {view for view, *_ in POINTS} == set(View.values)
    sides = Counter(side for *_, side in POINTS)
    assert min(sides["left"], sides["right"]) > 40


def test_the_mirrored_point_is_the_same_site_on_the_other_side() -> None:
    # Two views show unlike figures beside one another, each its own mirror.
    points = [point for point in POINTS if point[0] not in {"head", "genital"}]
    for view, x, y, site, side in points:
        assert site_at(view, 1 - float(x), float(y)) == (site, MIRROR[side]), (view, x, y)


def test_the_patients_right_is_on_the_left_of_the_front_and_on_the_right_of_the_back() -> None:
    assert site_at("front", 0.28, 0.24) == ("shoulder", "right")
    assert site_at("back", 0.28, 0.24) == ("shoulder", "left")


def test_beside_the_figure_is_nowhere() -> None:
    assert site_at("front", 0.02, 0.02) is None
    assert site_at("front", 0.5, 0.75) is None  # between the legs
    with pytest.raises(ValueError, match="inside"):
        site_at("inside", 0.5, 0.5)


@pytest.mark.parametrize("view", View.values)
def test_no_part_of_the_figure_is_without_a_site(view: str) -> None:
    drawing, chance = drawings()[View(view)], random.Random(5)
    for _ in range(600):
        x, y = chance.random(), chance.random()
        point = (x * drawing.width, y * drawing.height)
        is_on_it = any(part.outline.holds(point) for part in drawing.parts)
        assert (site_at(view, x, y) is not None) == is_on_it, point


def test_every_site_is_drawn_on_each_of_its_sides() -> None:
    drawn = {(each.site, each.side) for one in drawings().values() for part in one.parts for each in part.regions}
    assert drawn == {(site.key, Side(side)) for site in SITES.values() for side in site.sides}
