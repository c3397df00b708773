#!/usr/bin/env python
"""Django's command line."""

import os
import sys


def main() -> None:
    """Run a management command with the settings of DJANGO_SETTINGS_MODULE (development unless told otherwise)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skinsite.settings.development")
    try:
        from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 as below
        from django.core.management import execute_from_command_line  # noqa: PLC0415 the remedy is named when it is missing
    except ImportError as error:
        sys.exit(f"Django is not installed in this Python ({error}). Run `make setup`, then use .venv/bin/python.")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A setting is missing or wrong: one line says which, and what to do.
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
