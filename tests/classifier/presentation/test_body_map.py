"""Pins on the body map: none covers another, each stays joined to its point."""

from itertools import combinations

from classifier.presentation.body_map import PIN, DrawnPin, Pin, spread_pins


def pins_at(*points: tuple[float, float]) -> list[DrawnPin]:
    said = ("low_risk", "Low risk", "Chest, left", "#")
    pins = [Pin(str(place), f"L{place}", "front", x, y, *said) for place, (x, y) in enumerate(points)]
    return spread_pins(pins, width=360, height=720)


def overlaps(one: DrawnPin, other: DrawnPin) -> bool:
    return abs(one.left - other.left) < PIN[0] and abs(one.top - other.top) < PIN[1]


def test_thirty_pins_on_one_spot_do_not_cover_one_another_and_stay_on_the_view() -> None:
    drawn = pins_at(*[(0.5, 0.3)] * 30)
    assert not [pair for pair in combinations(drawn, 2) if overlaps(*pair)]
    assert all(0 <= each.left <= 360 - PIN[0] and 0 <= each.top <= 720 - PIN[1] for each in drawn)
    assert {(each.x, each.y) for each in drawn} == {(180, 216)}
    assert sum(each.is_moved for each in drawn) >= 28


def test_thirty_pins_in_a_corner_find_room_inside() -> None:
    drawn = pins_at(*[(0.99, 0.99)] * 30)
    assert not [pair for pair in combinations(drawn, 2) if overlaps(*pair)]


def test_a_pin_alone_lies_over_its_point_without_a_line() -> None:
    (pin,) = pins_at((0.5, 0.5))
    assert (pin.middle, pin.is_moved) == ((180, 360), False)


def test_the_same_pins_are_drawn_alike() -> None:
    points = [(0.4 + n / 100, 0.3) for n in range(12)]
    assert pins_at(*points) == pins_at(*points)
