"""What the link of an invitation leads to."""

from http import HTTPStatus

from allauth.account.utils import perform_login
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from skinsite.accounts.acting import act_for
from skinsite.accounts.forms import JoinForm
from skinsite.accounts.lockout import describe_client
from skinsite.accounts.models import Invitation, Membership, User
from skinsite.accounts.services.invitations import accept_invitation, find_invitation


@sensitive_post_parameters("password", "password_again")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Join a clinic: with a new account, or with the one that is signed in."""
    found = find_invitation(secret)
    if found is None:
        return render(request, "accounts/invitation_over.html", status=404)
    if isinstance(request.user, User):
        return _join_as(request, found, secret, request.user)
    if not found.clinic.passwords_allowed:
        return render(request, "accounts/invitation_directory.html", {"invitation": found})
    return _join_as_new_person(request, found, secret)


def _join_as(request: HttpRequest, found: Invitation, secret: str, user: User) -> HttpResponse:
    error = None
    if request.method == "POST":
        try:
            _welcome(request, accept_invitation(secret=secret, user=user))
            return redirect("home")
        except ValidationError as refused:
            error = " ".join(refused.messages)
    context = {"invitation": found, "error": error, "other_address": user.email != found.email}
    return render(
        request,
        "accounts/invitation_join.html",
        context,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
    )


def _join_as_new_person(request: HttpRequest, found: Invitation, secret: str) -> HttpResponse:
    form = JoinForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            membership = accept_invitation(
                secret=secret,
                name=form.cleaned_data["name"],
                password=form.cleaned_data["password"],
                client=describe_client(request),
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            response: HttpResponse = perform_login(
                request, membership.user, email_verification="none", redirect_url=reverse("home")
            )
            if request.user == membership.user:  # who may not come in is told so by the answer
                _welcome(request, membership)
            return response
    context = {"invitation": found, "form": form}
    return render(
        request,
        "accounts/invitation.html",
        context,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK,
    )


def _welcome(request: HttpRequest, membership: Membership) -> None:
    act_for(request, membership)
    messages.success(request, _("You are now a member of %(clinic)s.") % {"clinic": membership.clinic})
