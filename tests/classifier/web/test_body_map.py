"""A place in a form: two lists alone do, a point must agree with them, and a side is never assumed."""

from collections.abc import Mapping

import pytest
from django import forms

from classifier.anatomy.place import Place
from classifier.web.body_map import PlaceField


class PlaceForm(forms.Form):
    place = PlaceField()


def sent(**parts: str) -> PlaceForm:
    return PlaceForm({f"place_{name}": value for name, value in parts.items()})


def test_site_and_side_by_the_lists_are_enough() -> None:
    form = sent(site="cheek", side="left")
    assert form.is_valid()
    assert form.cleaned_data["place"] == Place("cheek", "left")


def test_a_point_of_the_figure_is_kept() -> None:
    form = sent(site="chest", side="left", view="front", x="0.5972", y="0.2361")
    assert form.is_valid(), form.errors
    assert form.cleaned_data["place"] == Place("chest", "left", "front", 0.5972, 0.2361)


def test_a_side_that_is_not_known_is_chosen() -> None:
    assert sent(site="cheek", side="unknown").is_valid()


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({}, "required"),
        ({"side": "left"}, "site"),
        ({"site": "cheek"}, "side"),
        ({"site": "cheek", "side": "midline"}, "impossible"),
        ({"site": "tail", "side": "left"}, "invalid_choice"),
        ({"site": "chest", "side": "right", "view": "front", "x": "0.5972", "y": "0.2361"}, "elsewhere"),
        ({"site": "chest", "side": "left", "view": "front", "x": "0.5972"}, "elsewhere"),
        ({"site": "chest", "side": "left", "view": "front", "x": "nan", "y": "0.2361"}, "invalid"),
        ({"site": "chest", "side": "left", "view": "front", "x": "1.5", "y": "0.2361"}, "max_value"),
    ],
)
def test_what_does_not_hold_together_is_refused(parts: Mapping[str, str], code: str) -> None:
    assert [error.code for error in sent(**parts).errors.as_data()["place"]] == [code]


def test_a_place_that_need_not_be_chosen_may_be_left_out() -> None:
    class Optional(forms.Form):
        place = PlaceField(required=False)

    form = Optional({})
    assert form.is_valid()
    assert form.cleaned_data["place"] is None
