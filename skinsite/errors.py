"""What people and machines are told when a request cannot be answered."""

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from skinsite.request_id import current_request_id

API_PREFIX = "/api/"


def problem(*, status: HTTPStatus, detail: str, code: str, field: str | None = None) -> HttpResponse:
    """A problem as RFC 9457 has it, for errors that happen before or outside of the API's own views."""
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "errors": [{"field": field, "code": code, "detail": detail}],
    }
    return JsonResponse(body, status=status, content_type="application/problem+json")


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
    """500: our fault. The page is made without the request, since asking it who is signed in may be what fails."""
    if request.path_info.startswith(API_PREFIX):
        detail = _("Something went wrong on our side.")
        return problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, detail=detail, code="error")
    try:
        page = render_to_string("500.html", {"request": {"request_id": current_request_id()}})
    except Exception:  # noqa: BLE001 whatever the page stands on may be the very fault, static files above all
        page = render_to_string("500_bare.html", {"request_id": current_request_id()})
    return HttpResponse(page, status=HTTPStatus.INTERNAL_SERVER_ERROR)


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


def _answer(
    request: HttpRequest,
    status: HTTPStatus,
    detail: str,
    code: str,
    *,
    field: str | None = None,
    template: str | None = None,
) -> HttpResponse:
    if request.path_info.startswith(API_PREFIX):
        return problem(status=status, detail=detail, code=code, field=field)
    return render(request, template or f"{status.value}.html", {"detail": detail}, status=status)
