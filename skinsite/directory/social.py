"""allauth's questions about sign-ins by others, answered for directories."""

import logging
from typing import Any, NoReturn

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal.statekit import STATES_SESSION_KEY
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from requests import RequestException

from skinsite.accounts.lockout import describe_client
from skinsite.accounts.models import User
from skinsite.directory import audit
from skinsite.directory.provider import DirectoryProvider
from skinsite.directory.refusals import Reason, RefusalError
from skinsite.directory.services.admission import admit_person
from skinsite.directory.services.grants import clinic_of, keep_grant
from skinsite.settings.directories import Directory

logger = logging.getLogger(__name__)
# No sign-in was begun in this browser: a stranger's request, of which the trail, which is for good, is not filled.
UNASKED = "nobody has asked"


class DirectoryAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """Directories come from the settings alone. Nobody signs up by one: people are let in, or refused with words."""

    def list_apps(
        self,
        request: HttpRequest,  # noqa: ARG002 allauth's signature
        provider: str | None = None,
        client_id: str | None = None,  # noqa: ARG002 as above
    ) -> list[SocialApp]:
        """The directories as allauth has them; none out of the database."""
        wanted = (None, DirectoryProvider.id)
        return [
            SocialApp(
                provider=DirectoryProvider.id,
                provider_id=each.name,
                name=each.label,
                client_id=each.client_id,
                secret=each.client_secret,
                settings={"server_url": each.url, "fetch_userinfo": False},
            )
            for each in settings.DIRECTORIES
            if provider in wanted or provider == each.name
        ]

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Let the person in, or answer why not."""
        directory: Directory = sociallogin.provider.directory
        try:
            account = admit_person(directory=directory, claims=sociallogin.claims)
        except RefusalError as refused:
            self._refuse(request, directory, refused)
        keep_grant(account=account, refresh_token=sociallogin.token.token_secret)
        # While a second factor is asked for, what is left of the sign-in waits in the session, without any token.
        sociallogin.account, sociallogin.user, sociallogin.token = account, account.user, None
        audit.signed_in_by_directory(
            about=account.user, clinic=clinic_of(directory), directory=directory, client=describe_client(request)
        )

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: DirectoryProvider,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """Answer why nobody was signed in."""
        if isinstance(exception, RefusalError):
            refused = exception
        elif isinstance(exception, RequestException):
            refused = RefusalError(Reason.UNREACHABLE, str(exception))
        elif exception is None and "state" not in (extra_context or {}):
            refused = RefusalError(Reason.STATE, "" if STATES_SESSION_KEY in request.session else UNASKED)
        else:
            refused = RefusalError(
                Reason.CANCELLED if error == AuthError.CANCELLED else Reason.ANSWER, str(exception or "")
            )
        self._refuse(request, provider.directory, refused)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:  # noqa: ARG002 as above
        """Never."""
        return False

    def _refuse(self, request: HttpRequest, directory: Directory, refused: RefusalError) -> NoReturn:
        raise ImmediateHttpResponse(answer_refusal(request, directory, refused))


def answer_refusal(request: HttpRequest, directory: Directory, refused: RefusalError) -> HttpResponse:
    """The page that says why nobody was signed in, once the trail says it."""
    logger.info("Sign-in by %s refused: %s", directory.name, refused)
    if refused.detail != UNASKED:
        audit.directory_refused(
            about=User.objects.find_by_address(refused.email) if refused.email else None,
            clinic=clinic_of(directory),
            directory=directory,
            reason=refused.reason,
            email=refused.email,
            client=describe_client(request),
        )
    status = 502 if refused.reason is Reason.UNREACHABLE else 403
    return render(request, "directory/refused.html", {"directory": directory, "refused": refused}, status=status)
