"""Whoever asks, wherever and however: what is shown of a patient is on the trail, and what is not shown is not."""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from pytest_django import Settings

from skinsite.accounts.models import Membership
from skinsite.audit.events import EVENT_TYPES
from skinsite.audit.models import EventKind
from tests.walk.calls import RARE, Route, TellTheWalkError, calls, forms, path_of, routes
from tests.walk.walk import WAYS, Asked, Site, ask, without
from tests.walk.world import EMERGENCY, OUTSIDERS, World, build, members, sees_records


@pytest.fixture
def world(owner: Membership, settings: Settings, tmp_path: Path) -> Iterator[World]:
    """Everything to ask about, as often as one likes; thousands of refusals are no news for the log."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)
    logging.disable(logging.CRITICAL)
    yield build(owner)
    logging.disable(logging.NOTSET)


def everything(world: World) -> list[Asked]:
    """Every call by everybody; members in each way of asking."""
    found = []
    for call in calls(world):
        if call.method in RARE:  # whoever may ask for most
            found += [ask(world, call, role, "data") for role in ("administrator", EMERGENCY, "program")]
            continue
        # Each way of asking by a person and by a program; what is for accounts knows no patient, and is asked once.
        found += [ask(world, call, role, "page") for role in members()]
        more = [way for way in WAYS if way != "page"] if call.is_of_domain else []
        found += [ask(world, call, role, way) for role in ("administrator", "program") for way in more]
        found += [ask(world, call, role, "page") for role in OUTSIDERS]
    return found


def test_every_answer_that_shows_a_patient_is_on_the_trail_and_no_other(world: World) -> None:
    asked = everything(world)
    faults = [fault for each in asked for fault in each.faults()]
    assert faults == [], "\n".join(faults)
    seen = {each.role for each in asked if each.shown}
    assert {role for role in members() if sees_records(role)} <= seen, "the walk must find what it looks for"
    assert seen.isdisjoint(OUTSIDERS)


def test_without_any_one_call_that_records_a_read_the_walk_finds_fault(world: World) -> None:
    asked: dict[Site, list[Asked]] = {}
    for call in filter(lambda call: call.is_of_domain and call.method not in RARE, calls(world)):
        for role, way in (("administrator", "page"), ("program", "data")):
            first = ask(world, call, role, way)
            for site in first.sites:
                asked.setdefault(site, []).append(first)
    reads = {
        each.name for each in EVENT_TYPES if each.kind == EventKind.ACCESS and each.writer.startswith("classifier")
    }
    assert {site.event for site in asked} >= reads, "an event of a read that the walk never meets"
    for site in filter(lambda site: site.event in reads, asked):
        with without(site):
            again = (ask(world, each.call, each.role, each.way) for each in asked[site])
            assert any(each.faults() for each in again), f"{site} can be left out, and nobody notices"


def test_an_address_that_the_walk_does_not_know_fails_it(world: World) -> None:
    with pytest.raises(TellTheWalkError, match="SUBJECTS"):
        path_of(Route("biopsies/<uuid:public_id>/", "classifier.web.views.biopsies"), world)


def test_every_form_of_the_domain_is_filled_in_by_the_walk(world: World) -> None:
    known = forms(world)
    for route in filter(lambda route: route.module.startswith("classifier"), routes()):
        answer = world.client("administrator").post(path_of(route, world))
        takes_forms = answer.status_code not in (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.FORBIDDEN)
        assert not takes_forms or route.pattern in known, f"Tell the walk what to send to {route.pattern}"
