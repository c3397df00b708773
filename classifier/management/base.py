"""What the classifier's commands share."""

import argparse
import sys
from contextlib import redirect_stdout
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ml.errors import UserError
from ml.support.command_line import INTERRUPTED, describe_refusal, escape_what_cannot_be_printed, is_refused
from ml.verbs.table import VERBS
from skinsite.commands import BAD_INPUT, OneLineCommand


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


class VerbCommand(UserErrorCommand):
    """A command of ``python -m ml``, with the same options and exit codes; it needs neither database nor settings."""

    verb: str
    requires_system_checks = ()
    requires_migrations_checks = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help = VERBS[self.verb].description
        self.when_stopped = VERBS[self.verb].when_stopped

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of the verb."""
        VERBS[self.verb].options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the verb does, and exit with its code where that is not 0."""
        with redirect_stdout(options.get("stdout") or sys.stdout):
            code = VERBS[self.verb].run(argparse.Namespace(**options))
        if code:
            sys.exit(code)
