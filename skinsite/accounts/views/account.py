"""One's own account: which clinic to act for, and one's API tokens."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from skinsite.accounts.access import MemberRequest, member_required
from skinsite.accounts.middleware import CLINIC_KEY
from skinsite.accounts.selectors import memberships_of, tokens_of_person
from skinsite.accounts.services import revoke_member_token
from skinsite.accounts.views.confirm import ask_about_token
from skinsite.audit.services import record_access


@require_safe
@member_required
def account(request: MemberRequest) -> HttpResponse:
    """Who one is, one's clinics, one's API tokens."""
    context = {"memberships": memberships_of(request.user), "tokens": tokens_of_person(request.user)}
    return render(request, "accounts/account.html", context)


@require_POST
@member_required
def switch_clinic(request: MemberRequest) -> HttpResponse:
    """Act for another clinic of one's own from here on."""
    try:
        wanted = UUID(request.POST.get("clinic", ""))
    except ValueError:
        wanted = UUID(int=0)
    membership = get_object_or_404(memberships_of(request.user), clinic__public_id=wanted)
    request.session[CLINIC_KEY] = membership.clinic_id
    record_access(actor=membership, action="clinic.switched_to", obj=membership.clinic)
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
    revoke_member_token(actor=request.membership, token=token)
    messages.success(request, _("The API token is revoked. What used it is refused from now on."))
    return redirect("account")
