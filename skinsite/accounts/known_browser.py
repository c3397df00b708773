"""Browsers in which somebody has signed in: strangers who try their account from elsewhere do not slow them down.

A cookie holds a random number and, for each of the last persons, a keyed hash of the two. It gives no right: whoever
takes it away has a few more tries at that account, counted for themselves.
"""

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from skinsite.accounts.models import plain_address

PERSONS = 20
MAX_AGE_SECONDS = 180 * 24 * 3600
MARK_LENGTH = 24


def knows_browser(request: HttpRequest, email: str) -> str | None:
    """What tells the browser from others, if this person has signed in in it; None otherwise."""
    number, marks = _read(request)
    own = _mark(number, email)
    return number if number and any(constant_time_compare(own, mark) for mark in marks) else None


def remember_browser(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Know this browser as the person's from here on."""
    number, marks = _read(request)
    number = number or secrets.token_urlsafe(12)
    own = _mark(number, email)
    kept = [own, *(mark for mark in marks if mark != own)][:PERSONS]
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE,
        ".".join((number, *kept)),
        max_age=MAX_AGE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> tuple[str, list[str]]:
    number, *marks = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE, "").split(".")
    return (number, marks) if len(marks) <= PERSONS else ("", [])


def _mark(number: str, email: str) -> str:
    value = f"{number} {plain_address(email)}"
    return salted_hmac("skinsite.accounts.known_browser", value, algorithm="sha256").hexdigest()[:MARK_LENGTH]
