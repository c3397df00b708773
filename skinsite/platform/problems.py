"""Problems: what people and programs are told when a request cannot be answered, laid out as RFC 9457 says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from skinsite.platform import disk
from skinsite.platform.request_id import current_request_id

PROBLEM_TYPE = "application/problem+json"
TITLES: dict[int, Promise] = {
    400: _("Bad request"),
    401: _("Not signed in"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("Method not allowed"),
    406: _("No such format"),
    409: _("Conflict"),
    411: _("Length required"),
    413: _("Too large"),
    415: _("Unsupported type"),
    429: _("Too many requests"),
    500: _("Server error"),
    503: _("Not available now"),
}
"""Titles of statuses, where HTTP's own phrase does not do; an app adds those that only it gives."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: its status, its words, and for programs its code and the field that it is of.

    ``retry_after`` is in seconds.
    """

    status: HTTPStatus
    detail: Promise | str
    code: str
    field: str | None = None
    retry_after: int | None = None

    def response(self) -> HttpResponse:
        """The problem as an answer to a program, outside of the API's own views."""
        error = {"field": self.field, "code": self.code, "detail": str(self.detail)}
        response = JsonResponse(
            problem_body(status=self.status, errors=[error]), status=self.status, content_type=PROBLEM_TYPE
        )
        if self.retry_after is not None:
            response["Retry-After"] = str(self.retry_after)
        return response


def problem_body(*, status: int, errors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The one layout of a problem: of `errors`, each with its field, code and detail, and the id of the request."""
    return {
        # "about:blank": the status says all; what exactly was wrong stands in `errors` by code.
        "type": "about:blank",
        "title": str(TITLES.get(status) or HTTPStatus(status).phrase),
        "status": int(status),
        "detail": " ".join(dict.fromkeys(str(error["detail"]) for error in errors)),
        "errors": list(errors),
        "request_id": current_request_id(),
    }


class DomainError(Exception):
    """An error that whoever asked is told of: subclasses say with which status and code, and in which words.

    What it is raised with is for the log alone.
    """

    status: ClassVar[HTTPStatus]
    code: str
    sentence: ClassVar[Promise]
    field: ClassVar[str | None] = None
    retry_after: ClassVar[int | None] = None

    def problem(self) -> Problem:
        """What to answer."""
        return Problem(self.status, self.sentence, self.code, self.field, self.retry_after)


class WrongStateError(ValidationError, DomainError):  # type: ignore[misc] # both have a code
    """Something that the record's state does not allow now; forms show it as any other error of theirs."""

    status = HTTPStatus.CONFLICT

    def problem(self) -> Problem:
        """What to answer: the words that it was raised with."""
        return Problem(self.status, " ".join(self.messages), self.code or "conflict")


DATABASE_AWAY = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE,
    _("The database does not answer. Try again in a minute."),
    "database_unavailable",
    retry_after=30,
)
DISK_FULL = Problem(HTTPStatus.SERVICE_UNAVAILABLE, disk.SENTENCE, "disk_full", retry_after=60)


def problem_of(error: BaseException | None) -> Problem | None:
    """What to answer to an error that is known; None for all others, which are faults of the site."""
    if disk.is_full(error):
        return DISK_FULL
    if is_database_away(error):
        return DATABASE_AWAY
    return error.problem() if isinstance(error, DomainError) else None


def is_database_away(error: BaseException | None) -> bool:
    """Whether an error says that the database is away, starting, full or locked, and not that it was asked wrongly.

    SQLite gives a column that is not there the same type as a lock, and PostgreSQL what is too complex (its class 54).
    """
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    asked_wrongly = getattr(error.__cause__, "sqlite_errorname", "") == "SQLITE_ERROR"
    too_complex = (getattr(error.__cause__, "sqlstate", "") or "").startswith("54")
    return not (asked_wrongly or too_complex)
