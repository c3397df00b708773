"""API tokens: each acts for one person, or one service account, in one clinic."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from skinsite.accounts.limits import count_wrong_token
from skinsite.accounts.models import ApiToken, Membership, ServiceAccount, User

# The time of use is kept to the minute, to spare the database a write for every request.
USE_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Program:
    """What the framework takes for the user of a service account, which is no person: limits are counted by ``pk``."""

    service: ServiceAccount
    is_authenticated = True
    is_active = True
    is_staff = False
    is_superuser = False

    @property
    def pk(self) -> str:
        """Told apart from every person's key."""
        return f"service-{self.service.pk}"


class ClinicTokenAuthentication(TokenAuthentication):  # type: ignore[misc] # knox ships no types
    """``Authorization: Token …``. Sets ``request.actor``; refuses a token whose person, service or clinic is gone."""

    def authenticate(self, request: Request) -> tuple[User | Program, ApiToken] | None:
        """Who acts, and the token; None without the header.

        Raises ``AuthenticationFailed`` for an unknown, expired or revoked token, or one whose access has ended. Raises
        ``TooManyRequestsError`` where too many such came from the address.
        """
        try:
            result: tuple[User | Program, ApiToken] | None = super().authenticate(request)
        except AuthenticationFailed:
            count_wrong_token(request._request)  # noqa: SLF001 DRF names no other way
            raise
        if result is not None:
            # On Django's request too: that is the one that middleware and services see.
            request._request.actor = result[1]  # type: ignore[attr-defined] # noqa: SLF001 DRF names no other way
            request._request.membership = result[1].membership  # type: ignore[attr-defined] # noqa: SLF001 as above
        return result

    def authenticate_credentials(self, token: bytes) -> Any:
        """Look the token up; bytes that are no text are no token."""
        try:
            return super().authenticate_credentials(token)
        except UnicodeDecodeError:
            raise AuthenticationFailed(_("Invalid token.")) from None

    def validate_user(self, auth_token: ApiToken) -> tuple[User | Program, ApiToken]:
        """Take the token of an active membership or service account, and note that it was used."""
        who = _service_of(auth_token) if auth_token.service_id else _person_of(auth_token)
        if who is None:
            raise AuthenticationFailed(_("This token no longer gives access to a clinic."))
        now = timezone.now()
        if auth_token.last_used_at is None or now - auth_token.last_used_at >= USE_STEP:
            ApiToken.objects.filter(pk=auth_token.pk).update(last_used_at=now)
        return who, auth_token

    def _cleanup_token(self, auth_token: ApiToken) -> bool:
        """Whether it has expired. It stays in its owner's list, which says so; the library would delete it here."""
        return auth_token.is_over


def _person_of(token: ApiToken) -> User | None:
    membership = Membership.objects.active().filter(pk=token.membership_id).select_related("user", "clinic").first()
    token.membership = membership
    return membership.user if membership else None


def _service_of(token: ApiToken) -> Program | None:
    services = ServiceAccount.objects.filter(pk=token.service_id, ended_at=None, clinic__is_active=True)
    if not settings.DEMO_ALLOWED:
        services = services.filter(clinic__is_demo=False)
    service = services.select_related("clinic").first()
    token.service = service
    return Program(service) if service else None
