"""API tokens: each acts for one person in one clinic."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from skinsite.accounts.models import ApiToken, Membership, User

# The time of use is kept to the minute, to spare the database a write for every request.
USE_STEP = timedelta(minutes=1)


class ClinicTokenAuthentication(TokenAuthentication):  # type: ignore[misc] # knox ships no types
    """``Authorization: Token …``. Sets ``request.membership``; refuses a token whose person or clinic is gone."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The person and the token; None without the header.

        Raises ``AuthenticationFailed`` for an unknown, expired or revoked token, or one whose membership has ended.
        """
        result: tuple[User, ApiToken] | None = super().authenticate(request)
        if result is not None:
            # On Django's request too: that is the one that middleware and services see.
            request._request.membership = result[1].membership  # type: ignore[attr-defined] # noqa: SLF001 DRF names no other way
        return result

    def authenticate_credentials(self, token: bytes) -> Any:
        """Look the token up; bytes that are no text are no token."""
        try:
            return super().authenticate_credentials(token)
        except UnicodeDecodeError:
            raise AuthenticationFailed(_("Invalid token.")) from None

    def validate_user(self, auth_token: ApiToken) -> tuple[User, ApiToken]:
        """Take the token of an active membership and note that it was used."""
        membership = (
            Membership.objects.active().filter(pk=auth_token.membership_id).select_related("user", "clinic").first()
        )
        if membership is None:
            raise AuthenticationFailed(_("This token no longer gives access to a clinic."))
        auth_token.membership = membership
        now = timezone.now()
        if auth_token.last_used_at is None or now - auth_token.last_used_at >= USE_STEP:
            ApiToken.objects.filter(pk=auth_token.pk).update(last_used_at=now)
        return membership.user, auth_token
