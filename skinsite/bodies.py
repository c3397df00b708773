"""Bodies of requests are taken in whole before the site looks at them: in a limited time, and few at once.

A thread that waits for a slow client serves nobody else. So a body must keep up a pace, and some threads never take
any: they answer pages and probes. A body sent in chunks gets the length that it turns out to have.
"""

import contextlib
import io
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from django.conf import settings

from skinsite.disk import is_full
from skinsite.watch import WATCH, Watched, stop_reading

REFUSED = "skinsite.refused"
"""Where the middleware finds why a body was not taken in: one of ``errors.NOT_TAKEN``, or too_large."""

AT_ONCE = 10
"""Bodies that one process takes in at once; gunicorn.conf.py gives it more threads than that."""

PATIENCE_SECONDS = 20.0
LEAST_BYTES_A_SECOND = 8_000  # 64 kbit/s
_PIECE = 16 * 1024
_IN_MEMORY = 2 * 1024 * 1024

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


class _RefusedError(Exception):
    """A body that is not taken in."""


def take_bodies_first(application: Application, *, at_once: int = AT_ONCE) -> Application:
    """Wrap a WSGI application so that it sees no request whose body is not there."""
    turns = threading.BoundedSemaphore(at_once)

    def answer(environ: Environ, start_response: Any) -> Iterable[bytes]:
        return answer_with_body(environ, start_response) if _has_body(environ) else application(environ, start_response)

    def answer_with_body(environ: Environ, start_response: Any) -> Iterator[bytes]:
        try:
            body = _take(environ, turns)
        except _RefusedError as error:
            body = _leave_unread(environ, str(error))
        with body:
            environ["wsgi.input"] = body
            yield from application(environ, start_response)

    return answer


def _has_body(environ: Environ) -> bool:
    """Whether there is one to take in; what says itself that it is too large is left to be refused unread."""
    length = str(environ.get("CONTENT_LENGTH") or "")
    if length.isdigit():
        return 0 < int(length) <= settings.REQUEST_MAX_BYTES
    return "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()


def _take(environ: Environ, turns: threading.Semaphore) -> IO[bytes]:
    length = str(environ.get("CONTENT_LENGTH") or "")
    if not length.isdigit() and not environ.get("wsgi.input_terminated"):
        raise _RefusedError("length_required")  # this server does not say where the body ends
    if not turns.acquire(blocking=False):
        raise _RefusedError("busy")
    body = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 the caller closes it
    try:
        most = int(length) if length.isdigit() else settings.REQUEST_MAX_BYTES + 1
        size = _copy(environ, body, most)
        if not length.isdigit():
            if size == most:
                raise _RefusedError("too_large")
            environ["CONTENT_LENGTH"] = str(size)
            del environ["HTTP_TRANSFER_ENCODING"]
    except OSError as error:
        body.close()
        if not is_full(error):
            raise
        raise _RefusedError("disk_full") from error
    except BaseException:
        body.close()
        raise
    finally:
        turns.release()
    body.seek(0)
    return body


def _copy(environ: Environ, body: IO[bytes], most: int) -> int:
    """Copy at most so many bytes; how many there were."""
    connection = environ.get("gunicorn.socket")
    watching = WATCH.over(connection, PATIENCE_SECONDS) if connection else contextlib.nullcontext()
    began, size = time.monotonic(), 0
    with watching as watched:
        while size < most:
            try:
                piece = environ["wsgi.input"].read(min(_PIECE, most - size))
            except OSError as error:
                raise _RefusedError(_why_ended(watched)) from error
            if not piece:
                break
            body.write(piece)
            size += len(piece)
            if watched is not None:
                watched.due = began + PATIENCE_SECONDS + size / LEAST_BYTES_A_SECOND
    if watched is not None and watched.is_overdue:
        raise _RefusedError("too_slow")
    return size


def _why_ended(watched: Watched | None) -> str:
    return "too_slow" if watched is not None and watched.is_overdue else "cut_off"


def _leave_unread(environ: Environ, reason: str) -> IO[bytes]:
    """Let the site answer without the body, and the server not wait for the rest of it either; an empty body."""
    environ[REFUSED] = reason
    environ["CONTENT_LENGTH"] = "0"
    if connection := environ.get("gunicorn.socket"):
        stop_reading(connection)
    return io.BytesIO()
