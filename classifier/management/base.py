"""What the classifier's commands share."""

from typing import Any

from django.core.management.base import CommandError

from ml.errors import UserError
from skinsite.commands import BAD_INPUT, OneLineCommand


class UserErrorCommand(OneLineCommand):
    """A command whose ``UserError`` is one line on standard error and exit code 2, without a traceback."""

    silent_loggers = ("classifier.inference", *OneLineCommand.silent_loggers)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run, turning bad input into Django's own error."""
        try:
            return super().execute(*args, **options)
        except UserError as error:
            raise CommandError(str(error), returncode=BAD_INPUT) from error
