"""What the classifier's commands share."""

from typing import Any

from django.core.management.base import CommandError

from ml.errors import UserError
from ml.support.command_line import INTERRUPTED, describe_refusal, escape_what_cannot_be_printed, is_refused
from skinsite.platform.commands import BAD_INPUT, OneLineCommand


class UserErrorCommand(OneLineCommand):
    """A command whose ``UserError`` is one line on standard error and exit code 2, without a traceback.

    ``when_stopped`` is said after Ctrl-C, with exit code 130, by a command that can be gone on with.
    """

    when_stopped: str | None = None
    silent_loggers = ("classifier.inference", *OneLineCommand.silent_loggers)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run, turning bad input and what a disk refuses into Django's own error."""
        escape_what_cannot_be_printed()
        try:
            return super().execute(*args, **options)
        except UserError as error:
            raise CommandError(str(error), returncode=BAD_INPUT) from error
        except OSError as error:
            if not is_refused(error):
                raise
            raise CommandError(describe_refusal(error), returncode=BAD_INPUT) from error
        except KeyboardInterrupt:
            if self.when_stopped is None:
                raise
            raise CommandError(self.when_stopped, returncode=INTERRUPTED) from None
