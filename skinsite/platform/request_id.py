"""One id per request or task, for telling in the log and in the audit trail what belongs together."""

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
# What a proxy may hand us; anything else could forge lines of a log.
ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{8,64}")

_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """The id of the request or task that runs; empty outside of one."""
    return _current.get()


def set_request_id(value: str) -> None:
    """Begin a piece of work under this id; an empty one ends it."""
    _current.set(value)


class RequestIdMiddleware:
    """Gives every request an id, the proxy's own if it sent a decent one, and tells it in the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer under an id."""
        given = request.headers.get(HEADER, "")
        request_id = given if ACCEPTABLE.fullmatch(given) else uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined] # told on error pages
        token = _current.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            _current.reset(token)
        response[HEADER] = request_id
        return response


class RequestIdFilter(logging.Filter):
    """Adds ``request_id`` to every record of the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with its id."""
        record.request_id = current_request_id() or "-"
        return True
