"""What a server does before its first request: a management command would do it by itself, a server does not."""

from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured


def require_sound_settings() -> None:
    """Run the system checks, which also loads every address and its views before a request waits for them.

    Raises:
        ImproperlyConfigured: for each serious finding, with its remedy.
    """
    serious = [message for message in run_checks() if message.is_serious()]
    if serious:
        raise ImproperlyConfigured("\n".join(f"{message.msg} {message.hint or ''}".strip() for message in serious))
