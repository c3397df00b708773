"""Headers and limits that hold for every address."""

import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import NoReverseMatch, reverse

from skinsite.platform.bodies import REFUSED, most_bytes
from skinsite.platform.errors import body_not_taken, domain_error, request_too_large
from skinsite.platform.problems import DomainError
from skinsite.platform.rate_limits import Standing

log = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestBodyMiddleware:
    """Refuses a request whose body is too large, or was not taken in, before anything looks at it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, or refuse."""
        length = str(request.META.get("CONTENT_LENGTH") or "")
        refused = request.META.get(REFUSED)
        if refused == "too_large" or (
            length.isascii() and length.isdecimal() and int(length) > most_bytes(request.path_info)
        ):
            return request_too_large(request)
        if refused is None and not length and "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            refused = "length_required"
        return self.get_response(request) if refused is None else body_not_taken(request, refused)


class DomainErrorMiddleware:
    """Answers errors of the domain that a page let pass, each with its own status and words."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Give the page of the error; None leaves it to Django."""
        if not isinstance(exception, DomainError):
            return None
        problem = exception.problem()
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("%s: %s", problem.code, exception)
        return domain_error(request, problem)


class AdminPolicyMiddleware:
    """Gives the admin its own content security policy; all other pages keep the strict one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer; stands inside django-csp's middleware, which writes the header."""
        response = self.get_response(request)
        if request.path_info.startswith(_admin_path()):
            response._csp_replace = settings.ADMIN_CONTENT_SECURITY_POLICY  # type: ignore[attr-defined] # noqa: SLF001 as csp's own decorator does
        return response


def note_standings(request: HttpRequest, standings: Sequence[Standing]) -> None:
    """Have the answer tell how whoever asks stands with these limits."""
    request.standings = [*getattr(request, "standings", ()), *standings]  # type: ignore[attr-defined] # told below


class RateLimitHeadersMiddleware:
    """Tells of each limit that a request was counted under, as the draft on ``RateLimit`` headers of the IETF says."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the headers; without them where nothing was counted."""
        response = self.get_response(request)
        standings: list[Standing] = getattr(request, "standings", [])
        if standings:
            told = [(each.name.replace("_", "-"), each) for each in standings]
            response["RateLimit-Policy"] = ", ".join(
                f'"{name}";q={each.rate.quota};w={each.rate.seconds}' for name, each in told
            )
            response["RateLimit"] = ", ".join(
                f'"{name}";r={each.remaining};t={each.seconds_left}' for name, each in told
            )
        return response


class HeadersMiddleware:
    """Keeps pages out of caches, and switches off what no page needs; the camera is for taking a photograph."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the headers; a view that says itself how its answer may be kept is believed."""
        response = self.get_response(request)
        response.setdefault("Cache-Control", "private, no-store")
        response["Permissions-Policy"] = "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"
        return response


def _admin_path() -> str:
    try:
        return reverse("admin:index")
    except NoReverseMatch:
        return "/admin/"
