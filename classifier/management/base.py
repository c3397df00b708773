"""What the commands share."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ml.errors import UserError

BAD_INPUT = 2


class UserErrorCommand(BaseCommand):
    """A command whose ``UserError`` is one line on standard error and exit code 2, without a traceback."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run, turning bad input into Django's own error."""
        try:
            return super().execute(*args, **options)
        except UserError as error:
            raise CommandError(str(error), returncode=BAD_INPUT) from error
