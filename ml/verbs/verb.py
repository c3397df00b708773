"""A command of ``python -m ml``: its options, its work, and its requirements."""

import argparse
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path

from ml.support.command_line import naming_requirements


class Needs(StrEnum):
    """The requirement file that provides everything a command imports."""

    BASE = "requirements/base.txt"
    ML = "requirements/ml.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A command; ``options`` adds its options to a parser, and the docstring of that function is the help text.

    ``work`` is ``module:function``: the function takes the options and returns the exit code. Its module is imported
    only when the command runs, so that ``--help`` needs no more than ``requirements/base.txt``. ``check`` raises early
    errors before that import. ``when_stopped`` is printed after Ctrl-C; None: the interrupt is Python's.
    """

    name: str
    options: Callable[[argparse.ArgumentParser], None]
    work: str
    needs: Needs = Needs.ML
    when_stopped: str | None = None
    check: Callable[[argparse.Namespace], None] | None = None

    @property
    def description(self) -> str:
        """The full description."""
        return (inspect.getdoc(self.options) or "").replace("``", "`")

    @property
    def help(self) -> str:
        """The description in one line."""
        return self.description.partition("\n\n")[0].replace("\n", " ")

    def run(self, options: argparse.Namespace) -> int:
        """Run the command and return the exit code. Raises ``UserError`` for bad input and for a missing library."""
        if self.check is not None:
            self.check(options)
        with naming_requirements(self.needs):
            module, _, function = self.work.partition(":")
            code: int = getattr(import_module(module), function)(options)
            return code


def take_data(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, the option of most commands."""
    parser.add_argument("--data", type=Path, required=True, help="directory in the official ISIC 2018 Task 3 layout")
