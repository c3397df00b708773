"""Signing in and out belongs to Django and allauth, which tell of it by signals alone: here they reach the trail."""

from collections.abc import Callable
from typing import Any

from allauth.mfa import signals as second_factor
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from skinsite.accounts import audit
from skinsite.accounts.lockout import describe_client
from skinsite.accounts.models import User
from skinsite.platform.rate_limits import spend

SECOND_FACTOR = {
    "authenticator_added": audit.user_second_factor_added,
    "authenticator_reset": audit.user_second_factor_added,
    "authenticator_removed": audit.user_second_factor_removed,
    "authenticator_used": audit.user_second_factor_used,
    "authentication_failed": audit.user_second_factor_refused,
}
"""What allauth tells of second factors, and the event of each."""


def connect() -> None:
    """Listen. Called once, when the applications are ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="skinsite.audit.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="skinsite.audit.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="skinsite.audit.failed")
    for name, write in SECOND_FACTOR.items():
        getattr(second_factor, name).connect(_telling(write), dispatch_uid=f"skinsite.audit.{name}", weak=False)


def _signed_in(user: User, request: HttpRequest | None = None, **_signal: Any) -> None:
    audit.user_signed_in(about=user, client=describe_client(request))


def _signed_out(user: User | None, request: HttpRequest | None = None, **_signal: Any) -> None:
    if user is not None:
        audit.user_signed_out(about=user, client=describe_client(request))


def _telling(write: Callable[..., object]) -> Callable[..., None]:
    def tell(user: User, authenticator: Authenticator, request: HttpRequest | None = None, **_signal: Any) -> None:
        write(about=user, client=describe_client(request), factor=str(authenticator.type))

    return tell


def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_signal: Any) -> None:
    # An unknown address is not kept: people type passwords into the wrong field.
    user = User.objects.find_by_address(str(credentials.get("email") or credentials.get("username") or ""))
    if user is not None:
        audit.user_sign_in_failed(about=user, client=describe_client(request))
        return
    standing = spend("sign_in_unknown", "everybody")
    if standing is not None and is_told(standing.used):
        audit.user_sign_in_failed(about=None, client=describe_client(request), in_this_minute=standing.used)


def is_told(count: int) -> bool:
    """Whether the trail, which is never cleared, says that it was so many: 1, 10, 100 …"""
    return str(count).rstrip("0") == "1"
