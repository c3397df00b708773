"""What the project's commands share: a fault that a person can mend is one line on standard error, and exit code 2."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, ProgrammingError

from skinsite.health import run_check
from skinsite.health.checks import check_database
from skinsite.platform.problems import is_database_away

BAD_INPUT = 2


class OneLineCommand(BaseCommand):
    """A command that tells wrong arguments and an unusable database in one line, without usage or traceback."""

    # Loggers of faults that the command tells by itself.
    silent_loggers: tuple[str, ...] = ("skinsite.health.registry",)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's parser; on the command line an error is one line, and ``--help`` shows the usage."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)

        def tell(message: str) -> NoReturn:
            parser.exit(BAD_INPUT, f"{parser.prog}: {message}; see {parser.prog} --help\n")

        if getattr(self, "_called_from_command_line", False):
            parser.error = tell  # type: ignore[method-assign] # Django names the class of its parsers
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run, turning an unusable database into Django's own error."""
        with silenced(self.silent_loggers):
            try:
                return super().execute(*args, **options)
            except (OperationalError, InterfaceError, ProgrammingError) as error:
                found = run_check("database", check_database)
                if found.ok and not is_database_away(error):
                    raise
                told = f"{error}. Try again." if found.ok else f"{found.detail.rstrip('.?')}. {found.remedy}"
                raise CommandError(f"The database cannot be used: {told}", returncode=BAD_INPUT) from error


@contextmanager
def silenced(names: Iterable[str]) -> Iterator[None]:
    """Keep what these loggers say to themselves until the block ends."""
    loggers = [logger for logger in map(logging.getLogger, names) if not logger.disabled]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger in loggers:
            logger.disabled = False
