"""Access in an emergency, on the clinic's page and in the banner of whoever has it."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from skinsite.accounts.access import MemberRequest, administrator_required, person_required
from skinsite.accounts.doors import reach
from skinsite.accounts.forms import EmergencyForm
from skinsite.accounts.middleware import forget_copies
from skinsite.accounts.models import User
from skinsite.accounts.selectors import emergencies_in, emergencies_of
from skinsite.accounts.services.emergencies import end_emergency_access, grant_emergency_access
from skinsite.accounts.views.clinic import EMERGENCY_IDS, show_clinic
from skinsite.accounts.views.confirm import ask_first


@require_POST
@administrator_required
def grant(request: MemberRequest) -> HttpResponse:
    """Let an account read the clinic's records for some hours."""
    form = EmergencyForm(request.POST, auto_id=EMERGENCY_IDS)
    if form.is_valid():
        actor = request.membership
        try:
            access = grant_emergency_access(actor=actor, clinic=actor.clinic, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            text = _("%(person)s may read this clinic's records. The administrators are told by mail.")
            messages.success(request, text % {"person": access.user})
            return redirect("clinic")
    return show_clinic(request, emergency_form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@administrator_required
def end(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """End somebody's access before its time."""
    access = get_object_or_404(emergencies_in(request.membership.clinic), public_id=public_id)
    question = ask_first(
        request,
        title=_("End the emergency access of %(person)s?") % {"person": access.user},
        text=_("Nothing of this clinic is shown to this person any more, from the next request on."),
        button=_("End access"),
        back="clinic",
    )
    if question:
        return question
    end_emergency_access(actor=request.membership, access=access)
    messages.success(request, _("The emergency access of %(person)s has ended.") % {"person": access.user})
    return redirect("clinic")


@require_POST
@person_required
def end_own(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """End one's own access, when it is needed no more."""
    assert isinstance(request.user, User)  # noqa: S101 asked by the guard
    access = get_object_or_404(emergencies_of(request.user, reach(request)), public_id=public_id)
    end_emergency_access(actor=access, access=access)
    forget_copies(request)
    messages.success(request, _("Your emergency access to %(clinic)s has ended.") % {"clinic": access.clinic})
    return redirect("home")
