"""Handling of bad input, disk errors and Ctrl-C for every command of ``ml``."""

import errno
import functools
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

from ml.errors import UserError

BAD_INPUT = 2
INTERRUPTED = 130

P = ParamSpec("P")

REFUSALS = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO),
        *(errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG),
    }
)
"""Error numbers by which a disk, a path or its permissions refuse reading or writing a file."""


def is_refused(error: OSError) -> bool:
    """Whether an error is about a file, so that the user can correct it."""
    return error.errno in REFUSALS


def describe_refusal(error: OSError) -> str:
    """A disk error in one line with the file and the remedy."""
    place = error.filename if error.filename is not None else "a file"
    return f"{place}: {error.strerror}; make room, or mend the path or its permissions, and run the command again"


def escape_what_cannot_be_printed() -> None:
    """Escape characters that the terminal's encoding lacks and names that are no text, in all later output."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def command(*, when_stopped: str | None = None) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Decorate a ``main`` that returns an exit code, so that errors of the user become one line and code 2.

    These are ``UserError`` and disk errors. ``when_stopped`` is printed after Ctrl-C, with code 130; without it the
    interrupt is Python's.
    """

    def decorate(main: Callable[P, int]) -> Callable[P, int]:
        @functools.wraps(main)
        def answer(*arguments: P.args, **named: P.kwargs) -> int:
            escape_what_cannot_be_printed()
            try:
                return main(*arguments, **named)
            except UserError as error:
                print(f"error: {error}", file=sys.stderr)
                return BAD_INPUT
            except OSError as error:
                if not is_refused(error):
                    raise
                print(f"error: {describe_refusal(error)}", file=sys.stderr)
                return BAD_INPUT
            except KeyboardInterrupt:
                if when_stopped is None:
                    raise
                print(when_stopped, file=sys.stderr)
                return INTERRUPTED

        return answer

    return decorate


@contextmanager
def naming_requirements(file: str) -> Iterator[None]:
    """Context in which a missing library is reported in one line with the requirement file to install."""
    try:
        yield
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] == "ml":
            raise
        raise UserError(f"{error.name} is not installed; run: pip install -r {file}") from error
