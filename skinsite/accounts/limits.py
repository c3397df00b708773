"""What somebody may ask of the site in a time: one budget for pages and API alike, by person, clinic and address."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, ParamSpec

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from skinsite.accounts.lockout import client_network
from skinsite.platform.errors import API_PREFIX, domain_error
from skinsite.platform.middleware import GetResponse, note_standings
from skinsite.platform.problems import DomainError, Problem
from skinsite.platform.rate_limits import Standing, spend, spend_together

P = ParamSpec("P")
HARMLESS = ("GET", "HEAD", "OPTIONS", "TRACE")


class TooManyRequestsError(DomainError):
    """More than the limit of a person, a clinic or an address."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "throttled"
    sentence = gettext_lazy("Too many requests.")

    def __init__(self, standing: Standing) -> None:
        super().__init__(f"over {standing.name}")
        self.standing = standing

    def problem(self) -> Problem:
        """What to answer, with the seconds to wait."""
        seconds = self.standing.seconds_left
        text = _("Too many requests at once. Try again in %(seconds)s s.") % {"seconds": seconds}
        return Problem(self.status, text, self.code, retry_after=seconds)


def spend_on(request: HttpRequest, scope: str, *, cost: int = 1) -> None:
    """Count a request among the ``uploads`` or ``reads`` of its person, or service account, and clinic; a stranger's by
    the address.

    Raises ``TooManyRequestsError`` beyond any of these limits.
    """
    actor = getattr(request, "actor", None) or getattr(request, "membership", None)
    uses: list[tuple[str, object]] = [("strangers", client_network(request))]
    if request.user.is_authenticated:
        uses = [(f"{scope}_person", request.user.pk)]
        if actor is not None:  # a superuser acts for no clinic
            uses.append((f"{scope}_clinic", actor.clinic_id))
    standings = spend_together(uses, cost=cost)
    note_standings(request, standings)
    for standing in standings:
        if not standing.passed:
            raise TooManyRequestsError(standing)


def count_wrong_token(request: HttpRequest) -> None:
    """Count a token that gave no access among those of its address.

    Asked once the token has been looked up: right ones from the same address, as of one hospital, go on working.

    Raises ``TooManyRequestsError`` beyond the limit.
    """
    standing = spend("wrong_tokens", client_network(request))
    if standing is not None and not standing.passed:
        note_standings(request, [standing])
        raise TooManyRequestsError(standing)


def counted(scope: str, *, only_unsafe: bool = False) -> Callable[..., Callable[..., HttpResponseBase]]:
    """Make a page that costs something count in this scope; ``only_unsafe`` leaves out looking at its form."""

    def decorate(view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
        @wraps(view)
        def within_limits(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            request: Any = args[0]
            # A token's use of a picture has been counted where the token was looked up.
            is_counted = any(each.name == f"{scope}_person" for each in getattr(request, "standings", ()))
            if not is_counted and not (only_unsafe and request.method in HARMLESS):
                spend_on(request, scope)
            return view(*args, **kwargs)

        return within_limits

    return decorate


class BudgetThrottle(BaseThrottle):
    """Lets the views of the API count as pages do: in ``throttle_scope``, or among reads."""

    refused: TooManyRequestsError | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether all limits have room."""
        try:
            spend_on(request._request, getattr(view, "throttle_scope", "reads"))  # noqa: SLF001 DRF names no other way
        except TooManyRequestsError as error:
            self.refused = error
        return self.refused is None

    def wait(self) -> float | None:
        """Seconds until it is worth trying again."""
        return self.refused.standing.seconds_left if self.refused else None


class StrangersMiddleware:
    """Counts what people who are not signed in send, by address, before anything costly is done with it.

    Programs with a token are counted once the token is known.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, or refuse."""
        # The header alone makes nobody a program: pages take no token.
        is_program = "Authorization" in request.headers and request.path_info.startswith(API_PREFIX)
        if request.method not in HARMLESS and not is_program and not request.user.is_authenticated:
            try:
                spend_on(request, "strangers")
            except TooManyRequestsError as error:
                return domain_error(request, error.problem())
        return self.get_response(request)
