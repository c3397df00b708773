"""The site's addresses, and some that fail."""

from typing import NoReturn

from django.db import OperationalError, connection
from django.http import HttpRequest
from django.urls import path

from skinsite.platform.problems import WrongStateError
from skinsite.urls import handler400, handler403, handler404, handler500
from skinsite.urls import urlpatterns as site

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def broken(_request: HttpRequest) -> NoReturn:
    """Fail."""
    msg = "the secret cause"
    raise LookupError(msg)


def away(_request: HttpRequest) -> NoReturn:
    """Lose the database."""
    msg = "connection to the secret server lost"
    raise OperationalError(msg)


def asked_wrongly(_request: HttpRequest) -> NoReturn:
    """Ask the database for what it does not have."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT the_secret_column FROM accounts_user")
    raise AssertionError


def closed(_request: HttpRequest) -> NoReturn:
    """Refuse what the state of a record does not allow."""
    raise WrongStateError("It is closed already.", code="closed")


urlpatterns = [
    *site,
    path("asked-wrongly/", asked_wrongly),
    path("api/asked-wrongly/", asked_wrongly),
    path("broken/", broken),
    path("api/broken/", broken),
    path("away/", away),
    path("api/away/", away),
    path("closed/", closed),
    path("api/closed/", closed),
]
