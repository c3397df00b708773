"""The site's addresses, and two that fail."""

from typing import NoReturn

from django.http import HttpRequest
from django.urls import path

from skinsite.urls import handler400, handler403, handler404, handler500
from skinsite.urls import urlpatterns as site

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def broken(_request: HttpRequest) -> NoReturn:
    """Fail."""
    msg = "the secret cause"
    raise LookupError(msg)


urlpatterns = [*site, path("broken/", broken), path("api/broken/", broken)]
