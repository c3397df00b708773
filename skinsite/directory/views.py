"""The way to a directory, and back from it."""

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from skinsite.accounts.access import MemberRequest, administrator_required
from skinsite.accounts.views.confirm import ask_first
from skinsite.directory.configuration import find_directory, sign_out_address
from skinsite.directory.id_token import DirectoryAdapter
from skinsite.directory.refusals import RefusalError
from skinsite.directory.services.passwords import set_passwords_allowed
from skinsite.directory.sessions import directory_of
from skinsite.directory.social import answer_refusal
from skinsite.platform.problems import WrongStateError


@never_cache
@require_POST
def leave(request: HttpRequest, name: str) -> HttpResponseBase:
    """Send somebody to the directory.

    By a page that leads on by itself, and no redirect: a browser holds where a form ends up against ``form-action`` of
    the policy, which stays at this site alone.
    """
    directory = find_directory(name)
    if directory is None:
        raise Http404
    wanted = request.POST.get("next", "")
    next_url = wanted if wanted and get_account_adapter(request).is_safe_url(wanted) else None
    try:
        provider = get_adapter(request).get_provider(request, provider=name)
        away = provider.redirect(request, process=AuthProcess.LOGIN, next_url=next_url)
    except RefusalError as refused:
        return answer_refusal(request, directory, refused)
    return render(request, "directory/leave.html", {"directory": directory, "address": away["Location"]})


@never_cache
@require_safe
def come_back(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Take the directory's answer."""
    if find_directory(provider_id) is None:
        raise Http404
    answer: HttpResponseBase = OAuth2CallbackView.adapter_view(DirectoryAdapter(request, provider_id))(request)
    return answer


@never_cache
@require_safe
def left(request: HttpRequest, name: str) -> HttpResponse:
    """For who has signed out here, and may be signed in at the directory still: whoever comes next could use it."""
    directory = find_directory(name)
    if directory is None:
        raise Http404
    back = request.build_absolute_uri(reverse("account_login"))
    address = sign_out_address(directory, back=back)
    if not address or request.user.is_authenticated:
        return redirect("account_login")
    return render(request, "directory/left.html", {"directory": directory, "address": address})


@require_POST
@administrator_required
def switch_passwords(request: MemberRequest) -> HttpResponse:
    """Allow passwords in the clinic, or let its people sign in by a directory alone."""
    allowed = request.POST.get("passwords") == "allowed"
    question = (
        None
        if allowed
        else ask_first(
            request,
            title=_("Let people sign in by the directory alone?"),
            text=_(
                "Nobody enters this clinic with a password from then on; who is here by one now has to sign in again. "
                "Accounts that run the site keep theirs. You can allow passwords again at any time."
            ),
            button=_("Switch passwords off"),
            back="clinic",
        )
    )
    if question:
        return question
    try:
        set_passwords_allowed(actor=request.membership, allowed=allowed, directory=directory_of(request))
    except WrongStateError as error:
        messages.error(request, " ".join(error.messages))
    else:
        told = _("Passwords are allowed again.") if allowed else _("People sign in by the directory alone now.")
        messages.success(request, told)
    return redirect("clinic")
