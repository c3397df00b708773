"""Sparing requests a wait in vain: what did not answer is left alone for some seconds."""

import logging
import time

log = logging.getLogger(__name__)

SECONDS_LEFT_ALONE = 10.0


class Breaker:
    """Remembers in this process that a server did not answer; tells the log when that begins and when it ends."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._asked_again_at = 0.0
        self._is_down = False

    def is_open(self) -> bool:
        """Whether the server is to be left alone now."""
        return time.monotonic() < self._asked_again_at

    def trip(self, error: Exception) -> None:
        """Note that it did not answer."""
        self._asked_again_at = time.monotonic() + SECONDS_LEFT_ALONE
        if not self._is_down:
            log.warning("The %s does not answer, and is done without (%s: %s)", self._name, type(error).__name__, error)
        self._is_down = True

    def reset(self) -> None:
        """Note that it answered."""
        self._asked_again_at = 0.0
        if self._is_down:
            log.info("The %s answers again", self._name)
        self._is_down = False
