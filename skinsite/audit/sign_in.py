"""Signing in and out belongs to Django and to axes, which tell of it by signals alone: here they reach the trail."""

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

from skinsite.accounts import audit
from skinsite.accounts.models import User


def connect() -> None:
    """Listen. Called once, when the applications are ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="skinsite.audit.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="skinsite.audit.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="skinsite.audit.failed")
    user_locked_out.connect(_locked_out, dispatch_uid="skinsite.audit.locked_out")


def _signed_in(user: User, **_signal: Any) -> None:
    audit.user_signed_in(about=user)


def _signed_out(user: User | None, **_signal: Any) -> None:
    if user is not None:
        audit.user_signed_out(about=user)


def _failed(credentials: dict[str, Any], **_signal: Any) -> None:
    # An unknown address is not kept: people type passwords into the wrong field.
    audit.user_sign_in_failed(about=_known(credentials.get("email") or credentials.get("username")))


def _locked_out(username: str | None, ip_address: str | None, **_signal: Any) -> None:
    audit.user_locked_out(about=_known(username), address=ip_address or "")


def _known(email: object) -> User | None:
    return User.objects.find_by_address(str(email)) if email else None
