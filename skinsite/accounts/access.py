"""Views for members of a clinic only."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from skinsite.accounts.actors import ActingPerson, Actor
from skinsite.accounts.authentication import ClinicTokenAuthentication
from skinsite.accounts.doors import reach
from skinsite.accounts.limits import spend_on
from skinsite.accounts.made_for import answer_other_clinic
from skinsite.accounts.models import ApiToken, Capability, User
from skinsite.accounts.permissions import MISSING_SCOPE, IsMember, missing_scope
from skinsite.accounts.policies import may, may_see_records, require_may_manage_clinic
from skinsite.accounts.selectors import memberships_of
from skinsite.platform.problems import Problem

P = ParamSpec("P")


class MemberRequest(HttpRequest):
    """A request of a person who acts for a clinic."""

    membership: ActingPerson
    user: User


class ActorRequest(HttpRequest):
    """A request of a person or a program that acts for a clinic."""

    actor: Actor


def member_required(
    view: Callable[Concatenate[MemberRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Let members in; ask others to sign in, and tell those who have no clinic what to do."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _ask_to_sign_in(request)
        refusal = answer_other_clinic(request)
        if refusal is not None:
            return refusal
        if getattr(request, "membership", None) is None:
            if "Authorization" in request.headers:
                return Problem(HTTPStatus.FORBIDDEN, IsMember.message, "permission_denied").response()
            return ask_for_clinic(request)
        return view(cast("MemberRequest", request), *args, **kwargs)

    return guarded


def records_required(
    view: Callable[Concatenate[MemberRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Let members in who work with patients' records; auditors are refused, who read the trail alone."""

    @wraps(view)
    def guarded(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not may_see_records(request.membership):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return member_required(guarded)


def person_required(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Let in whoever is signed in, for a clinic or for none yet; for what concerns the person alone."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return view(request, *args, **kwargs) if request.user.is_authenticated else _ask_to_sign_in(request)

    return guarded


def _ask_to_sign_in(request: HttpRequest) -> HttpResponseBase:
    if "Authorization" in request.headers:  # a program, which would take the page of signing in for an answer
        return _refuse_token(_("This page is for people, who sign in. Programs have the addresses of the API."))
    return redirect_to_login(request.get_full_path())


def account_required(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Let in whoever is signed in, for a clinic or for none; a form that was made for another clinic is refused."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return answer_other_clinic(request) or view(request, *args, **kwargs)

    return person_required(guarded)


def ask_for_clinic(request: HttpRequest) -> HttpResponse:
    """Ask in which of their clinics somebody works on, whose access to the one before has ended; 403 for now."""
    assert isinstance(request.user, User)  # noqa: S101 asked before
    context = {"memberships": memberships_of(request.user, reach(request))}
    return render(request, "accounts/no_clinic.html", context, status=HTTPStatus.FORBIDDEN)


def member_or_token_required(
    view: Callable[Concatenate[ActorRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Let members in, by their session or by an API token that may read; for addresses that only give something out.

    Sets ``request.actor``.
    """

    @wraps(view)
    def for_person(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        acting = cast("ActorRequest", request)
        acting.actor = request.membership
        return view(acting, *args, **kwargs)

    for_members = member_required(for_person)

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if "Authorization" not in request.headers:
            return for_members(request, *args, **kwargs)
        try:
            token = _let_program_in(Request(request))
        except AuthenticationFailed as error:
            return _refuse_token(str(error.detail))
        if not may(token, Capability.READ_RECORDS):
            detail = missing_scope(token, [Capability.READ_RECORDS])
            return Problem(HTTPStatus.FORBIDDEN, detail, MISSING_SCOPE).response()
        return view(cast("ActorRequest", request), *args, **kwargs)

    return guarded


def _let_program_in(request: Request) -> ApiToken:
    """Give the request's token, which is who asks; such requests count among the API's own.

    Raises ``AuthenticationFailed`` for a token that is none, or no longer one. Raises ``TooManyRequestsError`` beyond a
    limit.
    """
    found = ClinicTokenAuthentication().authenticate(request)
    if found is None:  # another kind of credentials
        raise AuthenticationFailed(_("Send `Authorization: Token …` with a key of this site."))
    request.user = found[0]  # type: ignore[assignment] # a program is no user of Django's
    spend_on(request._request, "reads")  # noqa: SLF001 DRF names no other way
    return found[1]


def _refuse_token(detail: str) -> HttpResponse:
    response = Problem(HTTPStatus.UNAUTHORIZED, detail, "authentication_failed").response()
    response["WWW-Authenticate"] = "Token"
    return response


def administrator_required(
    view: Callable[Concatenate[MemberRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Let administrators of the clinic in; members with another role are refused."""

    @wraps(view)
    def guarded(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        require_may_manage_clinic(request.membership, request.membership.clinic)
        return view(request, *args, **kwargs)

    return member_required(guarded)
