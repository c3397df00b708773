"""A watch over sockets: who keeps a thread waiting for longer than allowed is shut out."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

GiveUp = Callable[[socket.socket], None]

SECONDS_BETWEEN_ROUNDS = 0.5


def stop_reading(connection: socket.socket) -> None:
    """Make a thread that waits for the socket see its end at once; an answer can still be sent."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)


def stop_all(connection: socket.socket) -> None:
    """Make a thread that reads from the socket, or sends to it, see its end at once."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@dataclass(eq=False, slots=True)
class Watched:
    """A socket that a thread waits for, until when it may, what is done then, and whether it was."""

    socket: socket.socket
    due: float
    give_up: GiveUp
    is_overdue: bool = False


class Watch:
    """Looks at all watched sockets twice a second, in a thread that begins with the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: set[Watched] = set()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def over(self, connection: socket.socket, seconds: float, give_up: GiveUp = stop_reading) -> Iterator[Watched]:
        """Watch a socket while the block runs; its ``due`` may be moved meanwhile."""
        watched = self.begin(connection, seconds, give_up)
        try:
            yield watched
        finally:
            self.end(watched)

    def begin(self, connection: socket.socket, seconds: float, give_up: GiveUp = stop_reading) -> Watched:
        """Watch a socket from now on."""
        watched = Watched(connection, time.monotonic() + seconds, give_up)
        with self._lock:
            self._watched.add(watched)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
                self._thread.start()
        return watched

    def end(self, watched: Watched) -> None:
        """Watch it no longer."""
        with self._lock:
            self._watched.discard(watched)

    def _look(self) -> None:
        while True:
            time.sleep(SECONDS_BETWEEN_ROUNDS)
            with self._lock:
                overdue = {watched for watched in self._watched if watched.due < time.monotonic()}
                self._watched -= overdue
            for watched in overdue:
                watched.is_overdue = True
                watched.give_up(watched.socket)


WATCH = Watch()
