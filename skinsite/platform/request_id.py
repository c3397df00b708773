"""One id per request or task, for telling in the log and in the audit trail what belongs together."""

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from uuid import uuid4

from django.conf import settings
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
    """Gives every request an id, and tells it in the answer: one of its own, or the proxy's where that sets it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer under an id."""
        given = request.headers.get(HEADER, "")
        is_the_proxys = settings.PROXY_SETS_REQUEST_ID and ACCEPTABLE.fullmatch(given)
        request_id = given if is_the_proxys else uuid4().hex
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
        # Django tells of what was refused once the request is over, and hands it on.
        of_request = getattr(getattr(record, "request", None), "request_id", "")
        record.request_id = current_request_id() or of_request or "-"
        return True
