"""One's own account: which clinic to act for, and one's API tokens."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from skinsite.accounts.access import MemberRequest, member_required, person_required
from skinsite.accounts.acting import act_for
from skinsite.accounts.forms import OwnTimeZoneForm
from skinsite.accounts.middleware import forget_copies
from skinsite.accounts.models import User
from skinsite.accounts.selectors import membership_in, memberships_of, tokens_of_person
from skinsite.accounts.services.members import set_own_time_zone
from skinsite.accounts.tokens import revoke_token
from skinsite.accounts.views.confirm import ask_about_token
from skinsite.directory.sessions import reach
from skinsite.zones import zone_names


@require_safe
@member_required
def account(request: MemberRequest) -> HttpResponse:
    """Who one is, one's clinics, one's API tokens."""
    return _page(request, OwnTimeZoneForm(initial={"time_zone": request.user.time_zone}))


@require_POST
@member_required
def set_time_zone(request: MemberRequest) -> HttpResponse:
    """Set the zone in which times are told to oneself."""
    form = OwnTimeZoneForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    set_own_time_zone(actor=request.membership, **form.cleaned_data)
    messages.success(request, _("The time zone is set."))
    return redirect("account")


def _page(request: MemberRequest, form: OwnTimeZoneForm, status: int = 200) -> HttpResponse:
    context = {
        "memberships": memberships_of(request.user, reach(request)),
        "tokens": tokens_of_person(request.user),
        "zone_form": form,
        "zone_names": zone_names(),
        "zone": request.membership.zone,
    }
    return render(request, "accounts/account.html", context, status=status)


@require_POST
@person_required
def switch_clinic(request: HttpRequest) -> HttpResponse:
    """Act for another clinic of one's own from here on; what htmx sent goes on where it was."""
    assert isinstance(request.user, User)  # noqa: S101 asked by the guard
    try:
        wanted = UUID(request.POST.get("clinic", ""))
    except ValueError:
        wanted = UUID(int=0)
    membership = membership_in(request.user, wanted, reach(request))
    if membership is None:
        raise Http404
    act_for(request, membership)
    forget_copies(request)
    if "HX-Request" in request.headers:
        return render(request, "accounts/includes/same_clinic.html")
    messages.success(request, _("You now work in %(clinic)s.") % {"clinic": membership.clinic})
    # The page before may show a record of the other clinic: start at home.
    return redirect("home")


@require_POST
@member_required
def revoke_own_token(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """End one of one's own API tokens."""
    token = get_object_or_404(tokens_of_person(request.user), public_id=public_id)
    question = ask_about_token(request, token, back="account")
    if question:
        return question
    revoke_token(actor=request.membership, token=token)
    messages.success(request, _("The API token is revoked. What used it is refused from now on."))
    return redirect("account")
