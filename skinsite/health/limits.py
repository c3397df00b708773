"""A limit to the time that a check of health may take, whatever it waits for."""

import threading
from collections.abc import Callable
from typing import TypeVar

from django.db import connection, connections

Result = TypeVar("Result")

SECONDS = 5.0

_asked: dict[str, threading.Thread] = {}


def run_in_time(name: str, check: Callable[[], Result]) -> Result:
    """Run a check in a thread that is not waited for any longer. Raises what it raises, and ``TimeoutError``.

    One that still waits from the time before is not started again. Inside a transaction, of which another thread knows
    nothing, it is run at once.
    """
    if connection.in_atomic_block:
        return check()
    before = _asked.get(name)
    if before is not None and before.is_alive():
        msg = "still no answer"
        raise TimeoutError(msg)
    outcome: list[Result | Exception] = []
    thread = threading.Thread(target=_run, args=(check, outcome), name=f"check {name}", daemon=True)
    _asked[name] = thread
    thread.start()
    thread.join(SECONDS)
    if not outcome:
        msg = f"no answer in {SECONDS:g} s"
        raise TimeoutError(msg)
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


def _run(check: Callable[[], Result], outcome: list[Result | Exception]) -> None:
    try:
        outcome.append(check())
    except Exception as error:  # noqa: BLE001 it is raised again by the one who asked
        outcome.append(error)
    finally:
        connections.close_all()
