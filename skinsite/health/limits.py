"""A limit to the time that a check of health may take, whatever it waits for."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection, connections

Result = TypeVar("Result")

SECONDS = 5.0


@dataclass(frozen=True)
class _Asked:
    """A check that runs, since when, and what it gave or raised."""

    thread: threading.Thread
    outcome: list[Any]
    began: float


_asked: dict[str, _Asked] = {}
_lock = threading.Lock()


def run_in_time(name: str, check: Callable[[], Result]) -> Result:
    """Run a check in a thread that is not waited for any longer. Raises what it raises, and ``TimeoutError``.

    One that runs is not started again: who asks meanwhile waits for the rest of its time and shares what it gives.
    Inside a transaction, of which another thread knows nothing, it is run at once.
    """
    if connection.in_atomic_block:
        return check()
    with _lock:
        asked = _asked.get(name)
        if asked is None or not asked.thread.is_alive():
            asked = _asked[name] = _begin(name, check)
    left = asked.began + SECONDS - time.monotonic()
    if left <= 0:
        raise TimeoutError("still no answer")
    asked.thread.join(left)
    if not asked.outcome:
        raise TimeoutError(f"no answer in {SECONDS:g} s")
    given: Result | Exception = asked.outcome[0]
    if isinstance(given, Exception):
        raise given
    return given


def _begin(name: str, check: Callable[[], object]) -> _Asked:
    outcome: list[object] = []
    thread = threading.Thread(target=_run, args=(check, outcome), name=f"check {name}", daemon=True)
    thread.start()
    return _Asked(thread, outcome, time.monotonic())


def _run(check: Callable[[], object], outcome: list[object]) -> None:
    try:
        outcome.append(check())
    except Exception as error:  # noqa: BLE001 it is raised again by the one who asked
        outcome.append(error)
    finally:
        connections.close_all()
