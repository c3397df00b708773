"""One's own account: who one is, which clinic to act for, and what acts or is signed in under one's name."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from allauth.account.views import PasswordChangeView
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from skinsite.accounts.access import account_required, person_required
from skinsite.accounts.acting import act_for
from skinsite.accounts.actors import ActingPerson
from skinsite.accounts.doors import reach
from skinsite.accounts.forms import PersonForm
from skinsite.accounts.middleware import forget_copies
from skinsite.accounts.models import User
from skinsite.accounts.personal import apply_preferences
from skinsite.accounts.program_forms import TokenForm
from skinsite.accounts.second_factor import has_second_factor
from skinsite.accounts.selectors import acting_person_in, memberships_of, sign_ins_of, tokens_of_person
from skinsite.accounts.services.passwords import confirm_password
from skinsite.accounts.services.profile import PREFERENCES, change_profile
from skinsite.accounts.signed_in import end_others, sessions_of
from skinsite.zones import zone_named, zone_names

TOKEN_IDS = "token_%s"  # noqa: S105 the ids of fields, no secret
"""The two forms of the page both have a field for a name."""


@require_safe
@account_required
def account(request: HttpRequest) -> HttpResponse:
    """Who one is, how one signs in and where; one's clinics and API tokens, for who has any."""
    return show_account(request)


@require_POST
@account_required
def change_person(request: HttpRequest) -> HttpResponse:
    """Set one's own name, language, colours and time zone."""
    assert isinstance(request.user, User)  # noqa: S101 asked by the guard
    form = PersonForm(request.POST)
    if form.is_valid():
        try:
            person = change_profile(person=request.user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            with translation.override(person.language or translation.get_language()):
                messages.success(request, _("Saved."))
            response = redirect("account")
            apply_preferences(response, person)
            return response
    return show_account(request, person_form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@account_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    count = end_others(request)
    text = ngettext(
        "You are signed out of %(count)s other browser.", "You are signed out of %(count)s other browsers.", count
    )
    messages.success(request, text % {"count": count})
    return redirect("account")


def show_account(
    request: HttpRequest,
    *,
    status: int = 200,
    person_form: PersonForm | None = None,
    token_form: TokenForm | None = None,
) -> HttpResponse:
    """Render the page; the forms are those that came back with errors."""
    person = request.user
    assert isinstance(person, User)  # noqa: S101 asked by the guards
    membership: ActingPerson | None = getattr(request, "membership", None)
    kept = {"name": person.name, **{field: getattr(person, field) for field in PREFERENCES}}
    context = {
        "memberships": memberships_of(person, reach(request)),
        "has_second_factor": has_second_factor(person),
        "sessions": sessions_of(request),
        "sign_ins": sign_ins_of(person),
        "tokens": tokens_of_person(person),
        "person_form": person_form or PersonForm(initial=kept),
        "token_form": token_form or TokenForm(auto_id=TOKEN_IDS),
        "zone_names": zone_names(),
        "zone": membership.zone if membership else zone_named(person.time_zone),
    }
    return render(request, "accounts/account.html", context, status=status)


class OwnPasswordView(PasswordChangeView):  # type: ignore[misc] # allauth ships no types
    """allauth's own; who signs in by a directory has no password to change, and sets none."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the form, or say that there is nothing to change."""
        if isinstance(request.user, User) and not request.user.has_usable_password():
            messages.info(request, _("You have no password here: you sign in by your directory."))
            return redirect("account")
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer


@require_POST
@person_required
def switch_clinic(request: HttpRequest) -> HttpResponse:
    """Act for another clinic of one's own from here on; what htmx sent goes on where it was."""
    assert isinstance(request.user, User)  # noqa: S101 asked by the guard
    try:
        wanted = UUID(request.POST.get("clinic", ""))
    except ValueError:
        wanted = UUID(int=0)
    membership = acting_person_in(request.user, wanted, reach(request))
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
@person_required
def confirm_own_password(request: HttpRequest) -> HttpResponse:
    """Say that one set the password oneself, though somebody else had the link to it in hand."""
    assert isinstance(request.user, User)  # noqa: S101 asked by the guard
    confirm_password(user=request.user)
    messages.success(request, _("Thank you. Your account page keeps when and from where the password was set."))
    return redirect("home")
