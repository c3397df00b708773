"""By which door a session came in: for which clinics that counts, whether it still holds, and where it leads out.

A password, or a passkey of one's own, is the door of this application; others above it add theirs when they are ready.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpRequest

ENDS_KEY = "door_ends_at"
"""In a session: when it ends in any case by the word of its door, in seconds since 1970; None where that is open."""


@dataclass(frozen=True, slots=True)
class Door:
    """A way in. ``reach`` tells which memberships a session may act under; None of one that came in otherwise.

    ``holds`` tells whether a session may go on, as far as this door has a say in it; ``way_out`` is the address of a
    page for who has signed out of it, empty of sessions that came in otherwise.
    """

    reach: Callable[[HttpRequest], Q | None]
    holds: Callable[[HttpRequest], bool]
    way_out: Callable[[HttpRequest], str]


DOORS: list[Door] = []


def reach(request: HttpRequest) -> Q:
    """Which memberships a session may act under: what is local counts where the clinic allows it."""
    found = (door.reach(request) for door in DOORS)
    return next((each for each in found if each is not None), Q(clinic__passwords_allowed=True))


def is_vouched_for(request: HttpRequest) -> bool:
    """Whether the session may go on: every door says so."""
    return all(door.holds(request) for door in DOORS)


def way_out(request: HttpRequest) -> str:
    """The address of the page for who signs out of this session; empty where its door has none. Ask before it ends."""
    return next(filter(None, (door.way_out(request) for door in DOORS)), "")
