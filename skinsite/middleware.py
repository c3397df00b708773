"""Headers and limits that hold for every address."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import NoReverseMatch, reverse

from skinsite.errors import length_required, request_too_large

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestSizeMiddleware:
    """Refuses a request that is too large, or does not say how large it is, before anything of it is read."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, or refuse with 413 or 411."""
        length = str(request.META.get("CONTENT_LENGTH") or "")
        if length.isdigit() and int(length) > settings.REQUEST_MAX_BYTES:
            return request_too_large(request)
        if not length and request.META.get("HTTP_TRANSFER_ENCODING"):
            return length_required(request)
        return self.get_response(request)


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
