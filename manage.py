#!/usr/bin/env python
"""Django's command line."""

import os
import sys


def main() -> None:
    """Run a management command with the settings of DJANGO_SETTINGS_MODULE (development unless told otherwise)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skinsite.settings.development")
    try:
        from django.core.management import execute_from_command_line  # noqa: PLC0415 the remedy is named when it is missing
        from django.db import Error  # noqa: PLC0415 as above

        from skinsite.audit.commands import record_command  # noqa: PLC0415 as above
        from skinsite.platform.starting import end, ending_on_faults, keep_files_private  # noqa: PLC0415 as above
    except ImportError as error:
        sys.exit(f"Django is not installed in this Python ({error}). Run `make setup`, then use .venv/bin/python.")
    keep_files_private()
    try:
        with ending_on_faults(2):
            record_command(sys.argv)
            execute_from_command_line(sys.argv)
    except Error as error:
        # A database that does not answer, or not as it should: Django's own commands would show a traceback.
        told = " ".join(str(error).split()).rstrip(".?")
        end(f"The database cannot be used: {told}. `manage.py doctor` says what to do.", 2)


if __name__ == "__main__":
    main()
