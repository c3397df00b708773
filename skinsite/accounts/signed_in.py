"""Where a person is signed in: allauth keeps a row for each session, beside the session itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from skinsite.accounts import audit
from skinsite.accounts.browsers import browser_in_words, name_browser
from skinsite.accounts.models import User
from skinsite.accounts.selectors import FACTORS
from skinsite.accounts.services.sessions import end_sessions

SPARED = timedelta(hours=1)  # a session and its row are written one after the other


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session in words: the browser, the address, when it was last active, and whether it is the one that asks."""

    browser: str
    address: str
    last_seen_at: datetime
    is_here: bool


def connect() -> None:
    """Listen to second factors that are set up. Called once, when the application is ready."""
    authenticator_added.connect(_end_those_before, dispatch_uid="skinsite.accounts.signed_in")


def _end_those_before(request: HttpRequest, user: User, authenticator: Authenticator, **_signal: Any) -> None:
    """End the sessions that began before there was a second factor to give, whoever began them."""
    others = Authenticator.objects.filter(user=user, type__in=FACTORS).exclude(pk=authenticator.pk)
    if authenticator.type in FACTORS and not others.exists():
        end_others(request)


def note_session(request: HttpRequest) -> None:
    """Note that a session is active, under the key that it has now."""
    if isinstance(request.user, User):
        UserSession.objects.create_from_request(request)


def sessions_of(request: HttpRequest) -> list[SignedIn]:
    """The sessions of whoever asks, this one first, then those active last; rows of ended ones are deleted."""
    rows = UserSession.objects.purge_and_list(request.user)
    found = [
        SignedIn(
            browser_in_words(name_browser(row.user_agent)),
            row.ip,
            row.last_seen_at,
            row.session_key == request.session.session_key,
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: (each.is_here, each.last_seen_at), reverse=True)


def end_others(request: HttpRequest) -> int:
    """Sign whoever asks out of every session but this one; gives how many there were that a row tells of."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 nobody else has a session to keep
    with transaction.atomic():
        here = request.session.session_key
        count = len([row for row in UserSession.objects.purge_and_list(user) if row.session_key != here])
        end_sessions(user=user, here=here)
        request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        request.session.save()  # with the epoch, or not at all
        if count:
            audit.user_sessions_ended(about=user, count=count)
    return count


def forget_ended() -> None:
    """Delete what was kept of sessions that have ended: from where somebody was signed in, the trail alone keeps."""
    ended = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key"))
    ended.filter(last_seen_at__lt=timezone.now() - SPARED).delete()
