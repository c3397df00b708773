"""The pages of errors; programs get the same as a problem."""

import sys
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from skinsite.platform import disk
from skinsite.platform.bodies import most_bytes
from skinsite.platform.problems import DISK_FULL, Problem, problem_of
from skinsite.platform.request_id import current_request_id

API_PREFIX = "/api/"
RETRY_AFTER = 30  # seconds


def _wants_problem(request: HttpRequest) -> bool:
    """Whether a program asks: one of the API's addresses, or another with a token."""
    return request.path_info.startswith(API_PREFIX) or "Authorization" in request.headers


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 Django's signature
    """400: the request itself makes no sense."""
    return _answer(request, Problem(HTTPStatus.BAD_REQUEST, _("The request could not be understood."), "bad_request"))


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 Django's signature
    """403: signed in, and not allowed."""
    return _answer(request, Problem(HTTPStatus.FORBIDDEN, _("Your role does not allow this."), "permission_denied"))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 Django's signature
    """404: not there, or not for this person; which of the two is not told."""
    return _answer(request, Problem(HTTPStatus.NOT_FOUND, _("There is nothing at this address."), "not_found"))


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault; 503 when the database is away or a disk is full. Called while the exception is handled.

    The page is made without the request, since asking it who is signed in may be what fails.
    """
    known = problem_of(sys.exception())
    problem = known or Problem(HTTPStatus.INTERNAL_SERVER_ERROR, _("Something went wrong on our side."), "error")
    if _wants_problem(request):
        return problem.response()
    # The page of 503 has words of its own for the database.
    detail = str(problem.detail) if problem is DISK_FULL else ""
    return _to_wait(HttpResponse(_render_error(problem.status, detail=detail), status=problem.status), problem)


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
    return _answer(request, Problem(HTTPStatus.FORBIDDEN, detail, "csrf_failed"), template="403_csrf.html")


def too_large_problem(path: str) -> Problem:
    """More bytes than one request to this address may have: photographs, or a form."""
    status, most = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, most_bytes(path)
    if most <= settings.FORM_MAX_BYTES:
        form = _("The form is too large: it may have at most %(limit)s kB. Send less text.")
        return Problem(status, form % {"limit": most // settings.KILOBYTE}, "too_large")
    detail = _(
        "The request is too large: it may have at most %(limit)s MB. Send fewer photographs at once, or smaller ones."
    ) % {"limit": most // settings.MEGABYTE}
    return Problem(status, detail, "too_large", field="image")


def request_too_large(request: HttpRequest) -> HttpResponse:
    """413: more bytes than one request may have."""
    return _answer(request, too_large_problem(request.path_info))


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
    wait = RETRY_AFTER if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return _answer(request, Problem(status, detail, reason, retry_after=wait), template="not_taken.html")


def domain_error(request: HttpRequest, problem: Problem) -> HttpResponse:
    """An error of the domain that no view answered itself, in its own words."""
    return _answer(request, problem, template="not_taken.html")


def _answer(request: HttpRequest, problem: Problem, *, template: str | None = None) -> HttpResponse:
    if _wants_problem(request):
        return problem.response()
    status, context = problem.status, {"detail": str(problem.detail)}
    return _to_wait(render(request, template or f"{status.value}.html", context, status=status), problem)


def _to_wait(response: HttpResponse, problem: Problem) -> HttpResponse:
    """Say when to come back, where that helps."""
    if problem.retry_after is not None:
        response["Retry-After"] = str(problem.retry_after)
    if problem.status == HTTPStatus.TOO_MANY_REQUESTS:
        response["HX-Reswap"] = "none"  # a whole page is nothing for the part of one that a script fills
    return response
