"""The worker of gunicorn: its own, with threads, made so that slow and silent clients hold up nobody else."""

import contextlib
import socket
from datetime import timedelta
from typing import Any

from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker

from skinsite.watch import WATCH, stop_reading

SILENT_SECONDS = 0.2
"""What a thread waits for the first byte of a new connection, before the connection waits without a thread."""

HEAD_SECONDS = timedelta(seconds=15).total_seconds()
"""What the head of a request may take to arrive."""

LINGER_SECONDS = 1.0


class SiteWorker(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """Gunicorn's threads, with a limit to the time that a head takes, and no wait in the thread that accepts."""

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


def _linger(connection: socket.socket) -> None:
    """Wait here, and not where new connections are accepted, for the client to take its answer and to close."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(LINGER_SECONDS)
        while connection.recv(64 * 1024):
            pass
    stop_reading(connection)
