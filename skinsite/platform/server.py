"""The worker of gunicorn: its own, with threads, made so that slow and silent clients hold up nobody else."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker

from skinsite.platform.watch import WATCH, stop_all, stop_reading

SILENT_SECONDS = 0.2
"""What a thread waits for the first byte of a new connection, before the connection waits without a thread."""

HEAD_SECONDS = timedelta(seconds=15).total_seconds()
"""What the head of a request may take to arrive."""

SEND_SECONDS = timedelta(seconds=20).total_seconds()
"""What a client may pause while its answer is sent, beside the time that its pace allows."""

LEAST_BYTES_A_SECOND = 8_000  # 64 kbit/s
LINGER_SECONDS = 1.0
PIECE = 64 * 1024

LONG_SECONDS = 30.0
"""How long a client that is still sending what was refused is heard out, so that it gets to reading why."""

_long_turns = threading.BoundedSemaphore(3)  # of gunicorn's threads, which have others to serve


class SiteWorker(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """Gunicorn's threads, with limits to what a head and an answer take, and no wait in the thread that accepts."""

    wsgi: Any

    def load_wsgi(self) -> None:
        """Load the application; its answers are sent in time, or not to their end."""
        super().load_wsgi()
        application = self.wsgi

        def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            return _send_in_time(application(environ, start_response), environ["gunicorn.socket"])

        self.wsgi = answer

    def handle(self, conn: TConn) -> Any:
        """Serve a connection in one of the threads."""
        if not conn.initialized and not conn.data_ready and not conn.wait_for_data(SILENT_SECONDS):
            return _DEFER
        conn.head = WATCH.begin(conn.sock, HEAD_SECONDS)
        try:
            goes_on = super().handle(conn)
        finally:
            WATCH.end(conn.head)
        if goes_on is False:
            _linger(conn.sock)
        return goes_on

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Answer a request whose head is there."""
        WATCH.end(conn.head)
        return super().handle_request(req, conn)


def _send_in_time(response: Iterable[bytes], connection: socket.socket) -> Iterator[bytes]:
    """Hand on a response in pieces that the client must take; the time that it takes to make counts for nothing."""
    try:
        left = SEND_SECONDS
        for made in response:
            for at in range(0, len(made), PIECE):
                piece = made[at : at + PIECE]
                allowed, began = left + len(piece) / LEAST_BYTES_A_SECOND, time.monotonic()
                with WATCH.over(connection, allowed, stop_all):
                    yield piece
                left = min(SEND_SECONDS, allowed - (time.monotonic() - began))
    finally:
        if hasattr(response, "close"):
            response.close()


def _linger(connection: socket.socket) -> None:
    """Wait here, and not where new connections are accepted, for the client to take its answer and to close.

    Who is still sending much after a moment gets longer, a few at once: closed before, it would see a broken connection
    and never the answer.
    """
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(LINGER_SECONDS)
        if _hear_out(connection, LINGER_SECONDS) and _long_turns.acquire(blocking=False):
            try:
                _hear_out(connection, LONG_SECONDS)
            finally:
                _long_turns.release()
    stop_reading(connection)


def _hear_out(connection: socket.socket, seconds: float) -> bool:
    """Read and forget; whether the client has sent more than a trickle and is at it still."""
    began, size = time.monotonic(), 0
    while piece := connection.recv(PIECE):
        size += len(piece)
        taken = time.monotonic() - began
        if taken >= seconds or size < (taken - LINGER_SECONDS) * PIECE:
            return size >= taken * PIECE
    return False
