"""What an administrator does about the second factor of a clinic and of its people."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from skinsite.accounts.access import MemberRequest, administrator_required
from skinsite.accounts.selectors import count_without_second_factor
from skinsite.accounts.services.second_factors import reset_second_factor, set_second_factor_required
from skinsite.accounts.views.clinic import find_member, tell_refused
from skinsite.accounts.views.confirm import ask_first


@require_POST
@administrator_required
def require_of_all(request: MemberRequest) -> HttpResponse:
    """Ask a second factor of everybody in the clinic, or no longer."""
    required = request.POST.get("required") == "yes"
    question = _ask_about_all(request) if required else None
    if question:
        return question
    set_second_factor_required(actor=request.membership, required=required)
    messages.success(
        request,
        _("Everybody in the clinic needs a second factor from now on.")
        if required
        else _("The clinic no longer asks for a second factor."),
    )
    return redirect("clinic")


def _ask_about_all(request: MemberRequest) -> HttpResponse | None:
    """Ask first, and say whom it meets."""
    count = count_without_second_factor(request.membership.clinic)
    whom = ngettext(
        "%(count)s person who works here has none yet: wherever they are signed in, they are led to setting one up on "
        "the next page that they open, and do nothing else before.",
        "%(count)s people who work here have none yet: wherever they are signed in, they are led to setting one up on "
        "the next page that they open, and do nothing else before.",
        count,
    )
    nobody = _("Everybody who works here has one already.")
    return ask_first(
        request,
        title=_("Require a second factor of everybody?"),
        text=" ".join([whom % {"count": count} if count else nobody, _("API tokens go on without.")]),
        button=_("Require it of everybody"),
        back="clinic",
    )


@require_POST
@administrator_required
def reset(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """Take a member's lost second factor away."""
    member = find_member(request, public_id)
    question = ask_first(
        request,
        title=_("Reset the second factor of %(person)s?") % {"person": member.user},
        text=_(
            "Make sure that it is this person who asks. They are signed out everywhere, and then sign in with the "
            "password alone until they set up a new one."
        ),
        button=_("Reset second factor"),
        back="clinic",
    )
    if question:
        return question
    try:
        reset_second_factor(actor=request.membership, membership=member)
    except ValidationError as error:
        return tell_refused(request, error)
    messages.success(request, _("%(person)s has no second factor any more.") % {"person": member.user})
    return redirect("clinic")
