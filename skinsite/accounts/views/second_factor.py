"""What an administrator does about the second factor of a clinic and of its people."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from skinsite.accounts.access import MemberRequest, administrator_required
from skinsite.accounts.services.second_factors import reset_second_factor, set_second_factor_required
from skinsite.accounts.views.clinic import find_member, tell_refused
from skinsite.accounts.views.confirm import ask_first


@require_POST
@administrator_required
def require_of_all(request: MemberRequest) -> HttpResponse:
    """Ask a second factor of everybody in the clinic, or no longer."""
    required = request.POST.get("required") == "yes"
    set_second_factor_required(actor=request.membership, required=required)
    messages.success(
        request,
        _("Everybody in the clinic needs a second factor from now on.")
        if required
        else _("The clinic no longer asks for a second factor."),
    )
    return redirect("clinic")


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
