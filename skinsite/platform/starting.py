"""What every way of starting shares: servers, workers and commands."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

import django
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

Application = TypeVar("Application")

# gunicorn starts a process that ends with this no second time.
DOES_NOT_START = 3


def start(application: Callable[[], Application]) -> Application:
    """Make an application of a server under sound settings, or end with one line for each fault of them.

    Settings are production's unless DJANGO_SETTINGS_MODULE says otherwise.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skinsite.settings.production")
    keep_files_private()
    with ending_on_faults(DOES_NOT_START):
        django.setup()
        require_sound_settings()
    return application()


def keep_files_private() -> None:
    """Let no other account of the machine read what this process writes, unless it says so itself."""
    os.umask(0o077)


@contextmanager
def ending_on_faults(code: int) -> Iterator[None]:
    """End the process with an exit code if settings are missing or wrong: a line says which, and what to do."""
    try:
        yield
    except ImproperlyConfigured as error:
        end(str(error), code)
    except ModuleNotFoundError as error:
        end(unknown_settings(error), code)


def require_sound_settings() -> None:
    """Run the system checks, which also loads every address and its views before a request waits for them.

    Raises ``ImproperlyConfigured`` for each serious finding, with its remedy.
    """
    serious = [message for message in run_checks() if message.is_serious()]
    if serious:
        raise ImproperlyConfigured("\n".join(f"{message.msg} {message.hint or ''}".strip() for message in serious))


def unknown_settings(error: ModuleNotFoundError) -> str:
    """What to tell when the module of the settings is not there.

    Raises ``ModuleNotFoundError`` the error itself, where another module is missing.
    """
    name = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    if not error.name or not (name == error.name or name.startswith(f"{error.name}.")):
        raise error
    return f"DJANGO_SETTINGS_MODULE is {name!r}; set skinsite.settings.production or skinsite.settings.development."


def end(told: str, code: int) -> NoReturn:
    """Say what is wrong on standard error, the process's own where Celery has put its log there, and end."""
    print(told, file=sys.__stderr__ or sys.stderr, flush=True)
    sys.exit(code)
