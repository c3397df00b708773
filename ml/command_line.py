"""What every command of ``ml`` answers to bad input and to Ctrl-C."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

from ml.errors import UserError

BAD_INPUT = 2
INTERRUPTED = 130

P = ParamSpec("P")


def command(*, when_stopped: str | None = None) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Decorate a ``main`` that returns an exit code: a ``UserError`` becomes one line on standard error and the code 2.

    ``when_stopped`` is said after Ctrl-C, with the code 130; without it, as where nothing can be gone on with, the
    interrupt is Python's.
    """

    def decorate(main: Callable[P, int]) -> Callable[P, int]:
        @functools.wraps(main)
        def answer(*arguments: P.args, **named: P.kwargs) -> int:
            try:
                return main(*arguments, **named)
            except UserError as error:
                print(f"error: {error}", file=sys.stderr)
                return BAD_INPUT
            except KeyboardInterrupt:
                if when_stopped is None:
                    raise
                print(when_stopped, file=sys.stderr)
                return INTERRUPTED

        return answer

    return decorate
