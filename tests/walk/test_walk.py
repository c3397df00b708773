"""Whoever asks, wherever and however: what is shown of a patient is on the trail, and what is not shown is not."""

import logging
from pathlib import Path

import pytest
from pytest_django import Settings

from skinsite.accounts.models import Membership
from tests.walk.calls import calls
from tests.walk.walk import WAYS, Asked, ask
from tests.walk.world import OUTSIDERS, World, build, members, sees_records


@pytest.fixture
def world(owner: Membership, settings: Settings, tmp_path: Path) -> World:
    """Everything to ask about; thousands of refusals are no news for the log."""
    logging.disable(logging.CRITICAL)
    settings.MEDIA_ROOT = tmp_path / "media"
    return build(owner)


def everything(world: World) -> list[Asked]:
    """Every call by everybody; members in each way of asking."""
    found = []
    for call in calls(world):
        found += [ask(world, call, role, way) for role in members() for way in WAYS]
        found += [ask(world, call, role, "page") for role in OUTSIDERS]
    return found


def test_every_answer_that_shows_a_patient_is_on_the_trail_and_no_other(world: World) -> None:
    asked = everything(world)
    faults = [fault for each in asked for fault in each.faults()]
    assert faults == [], "\n".join(faults)
    seen = {each.role for each in asked if each.shown}
    assert {role for role in members() if sees_records(role)} <= seen, "the walk must find what it looks for"
    assert seen.isdisjoint(OUTSIDERS)
