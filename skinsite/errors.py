"""What people and machines are told when a request cannot be answered."""

import sys
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from skinsite import disk
from skinsite.request_id import current_request_id

API_PREFIX = "/api/"
PROBLEM_TYPE = "application/problem+json"
DATABASE_SENTENCE = gettext_lazy("The database does not answer. Try again in a minute.")
RETRY_AFTER = 30  # seconds


def is_database_away(error: BaseException | None) -> bool:
    """Whether an error says that the database is away, starting, full or locked, and not that it was asked wrongly.

    SQLite gives a column that is not there the same type as a lock, and PostgreSQL what is too complex (its class 54).
    """
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    asked_wrongly = getattr(error.__cause__, "sqlite_errorname", "") == "SQLITE_ERROR"
    too_complex = (getattr(error.__cause__, "sqlstate", "") or "").startswith("54")
    return not (asked_wrongly or too_complex)


def problem_body(*, status: int, title: str, detail: str, errors: list[dict[str, Any]]) -> dict[str, Any]:
    """A problem as RFC 9457 has it; `errors` and `request_id` are the extensions that every one has."""
    return {
        # "about:blank": the status says all; what exactly was wrong stands in `errors` by code.
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "errors": errors,
        "request_id": current_request_id(),
    }


def problem(*, status: HTTPStatus, detail: str, code: str, field: str | None = None) -> HttpResponse:
    """A problem, for errors that happen before or outside of the API's own views."""
    errors = [{"field": field, "code": code, "detail": detail}]
    body = problem_body(status=status.value, title=status.phrase, detail=detail, errors=errors)
    return JsonResponse(body, status=status, content_type=PROBLEM_TYPE)


def _wants_problem(request: HttpRequest) -> bool:
    """Whether a program asks: one of the API's addresses, or another with a token."""
    return request.path_info.startswith(API_PREFIX) or "Authorization" in request.headers


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 Django's signature
    """400: the request itself makes no sense."""
    return _answer(request, HTTPStatus.BAD_REQUEST, _("The request could not be understood."), "bad_request")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 Django's signature
    """403: signed in, and not allowed."""
    return _answer(request, HTTPStatus.FORBIDDEN, _("Your role does not allow this."), "permission_denied")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 Django's signature
    """404: not there, or not for this person; which of the two is not told."""
    return _answer(request, HTTPStatus.NOT_FOUND, _("There is nothing at this address."), "not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault; 503 when the database is away or a disk is full. Called while the exception is handled.

    The page is made without the request, since asking it who is signed in may be what fails.
    """
    full = disk.is_full(sys.exception())
    away = full or is_database_away(sys.exception())
    status = HTTPStatus.SERVICE_UNAVAILABLE if away else HTTPStatus.INTERNAL_SERVER_ERROR
    if _wants_problem(request):
        detail = str(DATABASE_SENTENCE) if away else _("Something went wrong on our side.")
        code = "database_unavailable" if away else "error"
        response = problem(
            status=status, detail=str(disk.SENTENCE) if full else detail, code="disk_full" if full else code
        )
    else:
        response = HttpResponse(_render_error(status, detail=str(disk.SENTENCE) if full else ""), status=status)
    if away:
        response["Retry-After"] = str(RETRY_AFTER)
    return response


def _render_error(status: HTTPStatus, *, detail: str = "") -> str:
    """The page of an error; a bare one where what pages stand on, static files above all, is the very fault."""
    try:
        context = {"request": {"request_id": current_request_id()}, "detail": detail}
        return render_to_string(f"{status.value}.html", context)
    except Exception:  # noqa: BLE001 as above
        return render_to_string("500_bare.html", {"request_id": current_request_id()})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 Django's signature
    """403: the form is older than the session, or came from elsewhere."""
    detail = _("This form has expired. Open the page again and send it once more.")
    return _answer(request, HTTPStatus.FORBIDDEN, detail, "csrf_failed", template="403_csrf.html")


def request_too_large(request: HttpRequest) -> HttpResponse:
    """413: more bytes than one request may have, in one photograph or in several."""
    limit = settings.REQUEST_MAX_BYTES // settings.MEGABYTE
    detail = _(
        "The request is too large: it may have at most %(limit)s MB. Send fewer photographs at once, or smaller ones."
    ) % {"limit": limit}
    return _answer(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, "too_large", field="image")


NOT_TAKEN: dict[str, tuple[HTTPStatus, Promise | str]] = {
    "length_required": (
        HTTPStatus.LENGTH_REQUIRED,
        gettext_lazy("The request does not tell its length. Send it with Content-Length, not in chunks."),
    ),
    "too_slow": (
        HTTPStatus.REQUEST_TIMEOUT,
        gettext_lazy("The request came in too slowly. Send it again, over a better connection if you can."),
    ),
    "busy": (
        HTTPStatus.SERVICE_UNAVAILABLE,
        gettext_lazy("Many uploads are coming in just now. Send it again in a minute."),
    ),
    "disk_full": (HTTPStatus.SERVICE_UNAVAILABLE, disk.SENTENCE),
    "cut_off": (
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("The request broke off before its end. Send it again."),
    ),
}


def body_not_taken(request: HttpRequest, reason: str) -> HttpResponse:
    """400, 408, 411 or 503: the body of the request did not arrive as it should."""
    status, detail = NOT_TAKEN[reason]
    response = _answer(request, status, str(detail), reason, template="not_taken.html")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = str(RETRY_AFTER)
    return response


def _answer(
    request: HttpRequest,
    status: HTTPStatus,
    detail: str,
    code: str,
    *,
    field: str | None = None,
    template: str | None = None,
) -> HttpResponse:
    if _wants_problem(request):
        return problem(status=status, detail=detail, code=code, field=field)
    return render(request, template or f"{status.value}.html", {"detail": detail}, status=status)
