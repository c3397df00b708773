"""What follows a sign-in: the person's language and theme in that browser, and a mail if it is not one they know."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponseBase

from skinsite.accounts.browsers import name_browser
from skinsite.accounts.lockout import client_address
from skinsite.accounts.models import User
from skinsite.accounts.services.notices import note_sign_in

THEME_COOKIE = "theme"
SIGNED_IN = "signed_in_now"


def connect() -> None:
    """Listen to sign-ins. Called once, when the application is ready."""
    user_logged_in.connect(_note, dispatch_uid="skinsite.accounts.personal")


def _note(request: HttpRequest | None, user: User, **_signal: Any) -> None:
    if request is not None:
        setattr(request, SIGNED_IN, user)
        note_sign_in(
            user=user, address=client_address(request), browser=name_browser(request.headers.get("User-Agent", ""))
        )


class PreferencesMiddleware:
    """Applies a person's preferences to the answer with which they are signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with the cookies after a sign-in."""
        response = self.get_response(request)
        person: User | None = getattr(request, SIGNED_IN, None)
        if person is not None:
            apply_preferences(response, person)
        return response


def apply_preferences(response: HttpResponseBase, person: User) -> None:
    """Let the browser keep what the person has chosen; what they have not stays as it is in this browser."""
    if person.language:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            person.language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite=settings.LANGUAGE_COOKIE_SAMESITE or "Lax",
        )
    if person.theme:
        # Not for the server alone: the menu writes the same one by a script.
        response.set_cookie(
            THEME_COOKIE,
            person.theme,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )
