"""What signing in by django-allauth does here: who may come in, where it leads, and whose words it says."""

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from skinsite.accounts import audit, lockout
from skinsite.accounts.doors import way_out
from skinsite.accounts.known_browser import remember_browser
from skinsite.accounts.models import User
from skinsite.accounts.selectors import is_refused_demo, may_sign_in_by_password, memberships_of


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """Accounts by invitation alone, one answer for every failure, and no way off the site."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _(
            "This e-mail address and password do not belong together. Check both and try again."
        ),
        "passwords_off": _(
            "Your clinic signs in by its directory, and no longer with passwords. Use the button below."
        ),
        "too_many_login_attempts": _("The password was wrong too often. Wait an hour, then try again."),
        "enter_current_password": _("This is not your password. Type the one that you sign in with now."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 allauth's signature
        """Never: people are invited."""
        return False

    def is_ajax(self, request: HttpRequest) -> bool:  # noqa: ARG002 as above
        """Never: the same pages for everybody, whatever the request says that it accepts."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Whether a page may lead on to this address: this very host's alone."""
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try, before any hashing."""
        lockout.require_turn(request, str(credentials.get("email", "")))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the wrong password."""
        lockout.note_failure(request, str(credentials.get("email", "")))

    def reauthenticate(self, user: User, password: str) -> bool:
        """Whether somebody signed in gave their own password; tries are few."""
        return lockout.is_own_password(user, password, self.request)

    def is_reauthentication_required(self, *, app: str, **_options: Any) -> bool:  # noqa: ARG002 allauth's signature
        """Whether somebody signed in has to show who they are before their second factor is touched.

        Not within five minutes of signing in; and who has neither password nor second factor, but a directory, cannot.
        """
        since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
        records = get_authentication_records(self.request, self.request.user)
        is_recent = any(record["at"] > since for record in records)
        return not is_recent and bool(self.get_reauthentication_methods(self.request.user))

    def pre_login(self, request: HttpRequest, user: User, **hooks: Any) -> HttpResponse | None:
        """Refuse closed accounts, refused demonstrations and whom a directory alone lets in, by whichever door."""
        response: HttpResponse | None = super().pre_login(request, user, **hooks)
        if response is None and is_refused_demo(user):
            response = self.respond_user_inactive(request, user)
        by_directory = "sociallogin" in (hooks.get("signal_kwargs") or {})
        if response is None and not by_directory and not may_sign_in_by_password(user):
            audit.user_sign_in_failed(about=user, client=lockout.describe_client(request))
            messages.error(request, self.error_messages["passwords_off"])
            response = redirect("account_login")
        return response

    def post_login(self, request: HttpRequest, user: User, **hooks: Any) -> HttpResponse:
        """Know the browser from here on, and begin to count wrong passwords anew in it."""
        response: HttpResponse = super().post_login(request, user, **hooks)
        lockout.note_success(request, user.email)
        remember_browser(request, response, user.email)
        return response

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """The start page; whoever runs the site and belongs to no clinic, which has none, gets to the admin."""
        user = request.user
        if isinstance(user, User) and user.is_superuser and not memberships_of(user).exists():
            return reverse("admin:index")
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """The page of the door by which the session came, else the sign-in page."""
        return way_out(request) or resolve_url(settings.LOGOUT_REDIRECT_URL)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:  # noqa: ARG002 as above
        """The account page, which says that it is done."""
        return reverse("account")

    def get_client_ip(self, request: HttpRequest) -> str:
        """Where a request comes from, as everywhere on the site."""
        return lockout.client_address(request)
