"""API tokens of one's own, and the service accounts of a clinic with theirs: made, shown once, ended."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from skinsite.accounts.access import MemberRequest, administrator_required, member_required
from skinsite.accounts.models import ApiToken, Membership, ServiceAccount
from skinsite.accounts.program_forms import RenewalForm, ServiceForm, TokenForm
from skinsite.accounts.selectors import services_of, tokens_of_clinic, tokens_of_person
from skinsite.accounts.services.programs import end_service, open_service, renew_service_token
from skinsite.accounts.tokens import create_token, revoke_token
from skinsite.accounts.views.account import TOKEN_IDS, show_account
from skinsite.accounts.views.confirm import ask_about_token, ask_first


@never_cache
@require_POST
@member_required
def create_own_token(request: MemberRequest) -> HttpResponse:
    """Make a token that acts for oneself in the acting clinic, and show it, this once."""
    form = TokenForm(request.POST, auto_id=TOKEN_IDS)
    if form.is_valid():
        member = request.membership
        if not isinstance(member, Membership):
            raise PermissionDenied  # access in an emergency makes no key that outlasts it
        try:
            token, key = create_token(actor=member, membership=member, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return _show_key(request, token, key, back="account")
    return show_account(request, token_form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@member_required
def revoke_own_token(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """End one of one's own API tokens."""
    token = get_object_or_404(tokens_of_person(request.user), public_id=public_id)
    return ask_about_token(request, token, back="account") or _revoke(request, token, back="account")


@require_POST
@administrator_required
def revoke_clinic_token(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """End an API token of the clinic, a person's or a service account's."""
    token = get_object_or_404(tokens_of_clinic(request.membership.clinic), public_id=public_id)
    back = "clinic-services" if token.service_id else "clinic"
    return ask_about_token(request, token, back=back) or _revoke(request, token, back=back)


@require_safe
@administrator_required
def services(request: MemberRequest) -> HttpResponse:
    """The programs of the clinic that act under names of their own."""
    return _show_services(request)


@never_cache
@require_POST
@administrator_required
def create_service(request: MemberRequest) -> HttpResponse:
    """Give a program an account, and show its first token, this once."""
    form = ServiceForm(request.POST)
    if form.is_valid():
        try:
            token, key = open_service(actor=request.membership, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return _show_key(request, token, key, back="clinic-services")
    return _show_services(request, form=form)


@never_cache
@require_POST
@administrator_required
def renew_service(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """Make a service account's next token, and show it, this once."""
    service = _service(request, public_id)
    form = _renewal_form(service, request.POST)
    if form.is_valid():
        try:
            token, key = renew_service_token(actor=request.membership, service=service, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return _show_key(request, token, key, back="clinic-services")
    return _show_services(request, renewal=(service, form))


@require_POST
@administrator_required
def close_service(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """End a service account for good."""
    service = _service(request, public_id)
    question = ask_first(
        request,
        title=_("End the service account %(name)s?") % {"name": service},
        text=_("Its tokens end at once, and it cannot be opened again. What it did stays under its name."),
        button=_("End the service account"),
        back="clinic-services",
    )
    if question:
        return question
    end_service(actor=request.membership, service=service)
    messages.success(request, _("The service account %(name)s is ended.") % {"name": service})
    return redirect("clinic-services")


def _revoke(request: MemberRequest, token: ApiToken, *, back: str) -> HttpResponse:
    revoke_token(actor=request.membership, token=token)
    messages.success(request, _("The API token is revoked. What used it is refused from now on."))
    return redirect(back)


def _show_key(request: MemberRequest, token: ApiToken, key: str, *, back: str) -> HttpResponse:
    return render(request, "accounts/token_made.html", {"token": token, "key": key, "back": back})


def _show_services(
    request: MemberRequest,
    *,
    form: ServiceForm | None = None,
    renewal: tuple[ServiceAccount, RenewalForm] | None = None,
) -> HttpResponse:
    """Render the page; the forms are those that came back with errors."""
    found = list(services_of(request.membership.clinic))
    for service in found:
        refused = renewal[1] if renewal and renewal[0] == service else None
        service.renewal_form = refused or _renewal_form(service)  # type: ignore[attr-defined] # for the page alone
    status = HTTPStatus.OK if form is None and renewal is None else HTTPStatus.UNPROCESSABLE_ENTITY
    context = {"services": found, "form": form or ServiceForm()}
    return render(request, "accounts/services.html", context, status=status)


def _renewal_form(service: ServiceAccount, data: QueryDict | None = None) -> RenewalForm:
    """The form of one of several accounts on a page: its fields have identifiers of their own."""
    return RenewalForm(data, auto_id=f"{service.public_id}_%s")


def _service(request: MemberRequest, public_id: UUID) -> ServiceAccount:
    return get_object_or_404(services_of(request.membership.clinic), public_id=public_id)
