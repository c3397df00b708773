"""The clinic page, for its administrators: members, invitations, API tokens, what the clinic sets."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from skinsite.accounts.access import MemberRequest, administrator_required
from skinsite.accounts.forms import ClinicNameForm, ClinicTimeZoneForm, EmergencyForm, InvitationForm
from skinsite.accounts.mail import has_mail_server, mail_invitation, mail_password_link
from skinsite.accounts.models import Membership, Role
from skinsite.accounts.panels import PANELS, Panel
from skinsite.accounts.selectors import (
    EMERGENCIES_SHOWN,
    emergencies_in,
    members_of,
    memberships_of,
    open_invitations_of,
    services_of,
    tokens_of_members,
)
from skinsite.accounts.services import clinics, invitations, members, passwords
from skinsite.accounts.views.confirm import ask_first
from skinsite.zones import zone_names

EMERGENCY_IDS = "emergency_%s"
"""Another form of the page has a field for an address too."""


@require_safe
@administrator_required
def clinic(request: MemberRequest) -> HttpResponse:
    """Everybody and everything that has access to the clinic."""
    return show_clinic(request)


@never_cache
@require_POST
@administrator_required
def invite(request: MemberRequest) -> HttpResponse:
    """Invite a person and show the link, this once."""
    form = InvitationForm(request.POST)
    if form.is_valid():
        try:
            invitation, secret = invitations.invite_member(actor=request.membership, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            link = request.build_absolute_uri(reverse("invitation", args=[secret]))
            context = {"invitation": invitation, "mailed": mail_invitation(invitation=invitation, link=link)}
            if not has_mail_server():
                context["link"] = link
            return render(request, "accounts/invitation_link.html", context)
    return show_clinic(request, form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@administrator_required
def rename(request: MemberRequest) -> HttpResponse:
    """Give the clinic another name."""
    form = ClinicNameForm(request.POST)
    if form.is_valid():
        try:
            clinics.rename_clinic(actor=request.membership, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("The clinic has its new name."))
            return redirect("clinic")
    return show_clinic(request, name_form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@administrator_required
def set_time_zone(request: MemberRequest) -> HttpResponse:
    """Set the zone in which the clinic's days are counted."""
    form = ClinicTimeZoneForm(request.POST)
    if not form.is_valid():
        return show_clinic(request, zone_form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    clinics.set_clinic_time_zone(actor=request.membership, **form.cleaned_data)
    messages.success(request, _("The time zone is set."))
    return redirect("clinic")


@require_POST
@administrator_required
def revoke_invitation(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """Withdraw an invitation."""
    invitation = get_object_or_404(open_invitations_of(request.membership.clinic), public_id=public_id)
    question = ask_first(
        request,
        title=_("Withdraw the invitation of %(email)s?") % {"email": invitation.email},
        text=_("The link stops working at once. You can invite again at any time."),
        button=_("Withdraw"),
        back="clinic",
    )
    if question:
        return question
    invitations.revoke_invitation(actor=request.membership, invitation=invitation)
    messages.success(request, _("The invitation of %(email)s is withdrawn.") % {"email": invitation.email})
    return redirect("clinic")


@require_POST
@administrator_required
def change_role(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """Give a member another role."""
    member = find_member(request, public_id)
    try:
        members.change_role(actor=request.membership, membership=member, role=request.POST.get("role", ""))
    except ValidationError as error:
        return tell_refused(request, error)
    messages.success(request, _("The role of %(person)s is changed.") % {"person": member.user})
    return _after_own_change(request)


@require_POST
@administrator_required
def deactivate(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """End a member's access."""
    member = find_member(request, public_id)
    question = ask_first(
        request,
        title=_("End the access of %(person)s?") % {"person": member.user},
        text=_("Access ends at once, and the API tokens for good. Records stay; you can give access again."),
        button=_("End access"),
        back="clinic",
    )
    if question:
        return question
    try:
        members.deactivate_member(actor=request.membership, membership=member)
    except ValidationError as error:
        return tell_refused(request, error)
    messages.success(request, _("%(person)s has no access to this clinic any more.") % {"person": member.user})
    return _after_own_change(request)


@require_POST
@administrator_required
def reactivate(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """Give a former member access again."""
    member = find_member(request, public_id)
    try:
        members.reactivate_member(actor=request.membership, membership=member)
    except ValidationError as error:
        return tell_refused(request, error)
    messages.success(request, _("%(person)s has access to this clinic again.") % {"person": member.user})
    return redirect("clinic")


@never_cache
@require_POST
@administrator_required
def reset_password(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """Take a member's password away and show the link that sets a new one, this once."""
    member = find_member(request, public_id)
    question = ask_first(
        request,
        title=_("Reset the password of %(person)s?") % {"person": member.user},
        text=_(
            "This person is signed out everywhere, and their password and API tokens end at once. "
            "A link for a new password goes to them by mail; without a mail server you hand it over."
        ),
        button=_("Reset password"),
        back="clinic",
    )
    if question:
        return question
    try:
        uid, token = passwords.reset_password(actor=request.membership, membership=member)
    except ValidationError as error:
        return tell_refused(request, error)
    link = request.build_absolute_uri(reverse("account_reset_password_from_key", args=[uid, token]))
    mailed = mail_password_link(user=member.user, by=request.user, link=link, clinic=member.clinic)
    context = {"member": member, "mailed": mailed, "link": "" if has_mail_server() else link}
    return render(request, "accounts/password_link.html", context)


def show_clinic(
    request: MemberRequest,
    *,
    status: int = 200,
    form: InvitationForm | None = None,
    name_form: ClinicNameForm | None = None,
    zone_form: ClinicTimeZoneForm | None = None,
    emergency_form: EmergencyForm | None = None,
    panel_form: tuple[Panel, Form] | None = None,
) -> HttpResponse:
    """Render the page; the forms are those that came back with errors, ``panel_form`` that of a panel."""
    refused = dict([panel_form] if panel_form else ())
    own = request.membership.clinic
    context = {
        "form": form or InvitationForm(),
        "name_form": name_form or ClinicNameForm(initial={"name": own.name}),
        "panels": [(panel.template, refused.get(panel) or panel.make_form(request.membership)) for panel in PANELS],
        "zone_form": zone_form or ClinicTimeZoneForm(initial={"time_zone": own.time_zone}),
        "zone_names": zone_names(),
        "zone": own.zone,
        "members": members_of(own),
        "invitations": open_invitations_of(own),
        "tokens": tokens_of_members(own),
        "services": services_of(own),
        "roles": Role.choices,
        "emergencies": emergencies_in(own)[:EMERGENCIES_SHOWN],
        "emergency_form": emergency_form or EmergencyForm(auto_id=EMERGENCY_IDS),
    }
    return render(request, "accounts/clinic.html", context, status=status)


def find_member(request: MemberRequest, public_id: UUID) -> Membership:
    """A member of the acting clinic, present or former; else 404."""
    return get_object_or_404(members_of(request.membership.clinic), user__public_id=public_id)


def tell_refused(request: MemberRequest, error: ValidationError) -> HttpResponse:
    """Back to the page, which says why nothing was done."""
    for message in error.messages:
        messages.error(request, message)
    return redirect("clinic")


def _after_own_change(request: MemberRequest) -> HttpResponse:
    """Back to the page, unless one has just given up the right to see it."""
    still = memberships_of(request.user).filter(pk=request.membership.pk, role=Role.ADMINISTRATOR)
    return redirect("clinic" if still.exists() else "home")
