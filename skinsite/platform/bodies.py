"""Bodies of requests are taken in whole before the site looks at them: in a limited time, and few at once.

A thread that waits for a slow client, or for a decoder of photographs, serves nobody else. So a body must keep up a
pace, and some threads never answer a request that has one: they answer pages and probes. A body sent in chunks gets the
length that it turns out to have.
"""

import contextlib
import io
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from django.conf import settings

from skinsite.platform.disk import is_full
from skinsite.platform.watch import WATCH, Watched, stop_reading

REFUSED = "skinsite.refused"
"""Where the middleware finds why a body was not taken in: one of ``errors.NOT_TAKEN``, or too_large."""

AT_ONCE = 10
"""Requests with a body that one process works on at once; gunicorn.conf.py gives it more threads than that."""

AT_ONCE_SIGNING_IN = AT_ONCE // 2
"""How many of them may be tries to sign in, which anybody can send and which cost a hash: the others' turns stay."""

PATIENCE_SECONDS = 20.0
LEAST_BYTES_A_SECOND = 8_000  # 64 kbit/s
PIECE = 16 * 1024
IN_MEMORY = 2 * 1024 * 1024

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


class _RefusedError(Exception):
    """A body that is not taken in."""


def take_bodies_first(application: Application, *, at_once: int = AT_ONCE) -> Application:
    """Wrap a WSGI application so that it sees no request whose body is not there."""
    turns = threading.BoundedSemaphore(at_once)
    signing_in = threading.BoundedSemaphore(min(at_once, AT_ONCE_SIGNING_IN))

    def answer(environ: Environ, start_response: Any) -> Iterable[bytes]:
        return answer_with_body(environ, start_response) if _has_body(environ) else application(environ, start_response)

    def answer_with_body(environ: Environ, start_response: Any) -> Iterator[bytes]:
        with contextlib.ExitStack() as closing:
            with _turn(environ, turns, signing_in) as is_ours:
                body = closing.enter_context(_take_or_leave(environ, is_ours=is_ours))
                environ["wsgi.input"] = body
                response = application(environ, start_response)
                closing.callback(getattr(response, "close", _nothing))
            yield from response

    return answer


@contextlib.contextmanager
def _turn(environ: Environ, turns: threading.Semaphore, signing_in: threading.Semaphore) -> Iterator[bool]:
    """Take a turn, if there is one for such a request, until the block ends; whether there was."""
    is_sign_in = environ.get("PATH_INFO") in settings.SIGN_IN_PATHS
    with contextlib.ExitStack() as taken:
        for needed in (signing_in, turns) if is_sign_in else (turns,):
            if not needed.acquire(blocking=False):
                is_ours = False
                break
            taken.callback(needed.release)
        else:
            is_ours = True
        yield is_ours


def _nothing() -> None:
    """What is done at the end of a response that needs no closing."""


def most_bytes(path: str) -> int:
    """How many bytes a request to this address may have: a form's, or where photographs are taken in, many more."""
    return int(settings.REQUEST_MAX_BYTES if path in settings.UPLOAD_PATHS else settings.FORM_MAX_BYTES)


def _most(environ: Environ) -> int:
    return most_bytes(str(environ.get("PATH_INFO", "")))


def _has_body(environ: Environ) -> bool:
    """Whether there is one to take in; what says itself that it is too large is left to be refused unread."""
    length = str(environ.get("CONTENT_LENGTH") or "")
    if length.isdigit():
        return 0 < int(length) <= _most(environ)
    return "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()


def _take_or_leave(environ: Environ, *, is_ours: bool) -> IO[bytes]:
    """The body, or an empty one, and why, where it is not taken in."""
    try:
        if not is_ours:
            raise _RefusedError("busy")
        return _take(environ)
    except _RefusedError as error:
        return _leave_unread(environ, str(error))


def _take(environ: Environ) -> IO[bytes]:
    length = str(environ.get("CONTENT_LENGTH") or "")
    if not length.isdigit() and not environ.get("wsgi.input_terminated"):
        raise _RefusedError("length_required")  # this server does not say where the body ends
    body = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 the caller closes it
    try:
        most = int(length) if length.isdigit() else _most(environ) + 1
        size = _copy(environ, body, most, is_declared=length.isdigit())
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
    body.seek(0)
    return body


def _copy(environ: Environ, body: IO[bytes], most: int, *, is_declared: bool) -> int:
    """Copy at most so many bytes, or just as many where that was declared; how many there were."""
    connection = environ.get("gunicorn.socket")
    watching = WATCH.over(connection, PATIENCE_SECONDS) if connection else contextlib.nullcontext()
    began, size = time.monotonic(), 0
    with watching as watched:
        while size < most:
            try:
                piece = environ["wsgi.input"].read(min(PIECE, most - size))
            except OSError as error:
                raise _RefusedError(_why_ended(watched)) from error
            if not piece:
                break
            body.write(piece)
            size += len(piece)
            if watched is not None:
                watched.due = began + PATIENCE_SECONDS + size / LEAST_BYTES_A_SECOND
    # A reader need not raise where a client leaves: gunicorn's gives what came until then.
    if (is_declared and size < most) or (watched is not None and watched.is_overdue):
        raise _RefusedError(_why_ended(watched))
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
