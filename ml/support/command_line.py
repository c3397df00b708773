"""What every command of ``ml`` answers to bad input, to a disk that refuses, and to Ctrl-C."""

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
"""What a disk, a path or its permissions can say against reading or writing a file."""


def is_refused(error: OSError) -> bool:
    """Whether it is about a file, and so something that a person can mend."""
    return error.errno in REFUSALS


def describe_refusal(error: OSError) -> str:
    """What a disk said, in one line with the file and the remedy."""
    place = error.filename if error.filename is not None else "a file"
    return f"{place}: {error.strerror}; make room, or mend the path or its permissions, and run the command again"


def escape_what_cannot_be_printed() -> None:
    """Print names that the terminal's encoding lacks, or that are no text at all, escaped, and all that follows."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def command(*, when_stopped: str | None = None) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Decorate a ``main`` that returns an exit code: a ``UserError``, or what a disk refuses, becomes one line on
    standard error and the code 2.

    ``when_stopped`` is said after Ctrl-C, with the code 130; without it, as where nothing can be gone on with, the
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
    """Around work that imports libraries: says in one line which requirement file to install where one is missing."""
    try:
        yield
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] == "ml":
            raise
        raise UserError(f"{error.name} is not installed; run: pip install -r {file}") from error
