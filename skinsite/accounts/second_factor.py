"""The second factor beside a password: codes of an app, passkeys and security keys, and recovery codes for a lost one.

django-allauth keeps and checks them. Here are the secrets' encryption, the names that a browser is told, and who has to
have one.
"""

from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from skinsite.accounts.actors import ActingPerson
from skinsite.accounts.models import EmergencyAccess, Membership, User
from skinsite.accounts.selectors import FACTORS
from skinsite.platform.secrecy import Cipher

SITE_NAME = "skinsite"
_CIPHER = Cipher("skinsite.accounts.second_factor")


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc] # allauth ships no types
    """Secrets encrypted by the site's key; passkeys for the site's own name alone."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This is not right, or has been used already. Try again."),
        "too_many_codes": _("Wrong too often. Wait a quarter of an hour, then try again."),
        "cannot_delete_authenticator": _("Your clinic, or your role, asks for a second factor. Add another one first."),
        "cannot_generate_recovery_codes": _("Recovery codes come with a second factor. Set one up first."),
    }

    def encrypt(self, text: str) -> str:
        """Nobody who reads the database alone makes codes."""
        return _CIPHER.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """What was encrypted by the site's key, or by an earlier one of SECRET_KEY_FALLBACKS; nothing by others."""
        return _CIPHER.decrypt(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Whether what is left is enough for those who must have one."""
        user: User = authenticator.user
        left = Authenticator.objects.filter(user=user, type__in=FACTORS).exclude(pk=authenticator.pk)
        return not must_have_second_factor(user) or left.exists()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """For which name a browser makes a passkey: WEBAUTHN_RP_ID, or the site's own."""
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return {"id": settings.WEBAUTHN_RP_ID or entity["id"], "name": SITE_NAME}


def has_second_factor(user: User) -> bool:
    """Whether one is set up."""
    return bool(is_mfa_enabled(user, FACTORS))


def must_have_second_factor(user: User) -> bool:
    """Whether a clinic of the person's asks for one, or the site does."""
    if user.is_superuser and settings.SUPERUSERS_NEED_SECOND_FACTOR:
        return True
    asked = {"user": user, "clinic__second_factor_required": True}
    return (
        Membership.objects.active().filter(**asked).exists()
        or EmergencyAccess.objects.active().filter(**asked).exists()
    )


def has_to_enrol(request: HttpRequest) -> bool:
    """Whether whoever is signed in has to set one up before anything else, in the clinic that they act for."""
    user: Any = request.user
    membership: ActingPerson | None = getattr(request, "membership", None)
    is_asked = (membership is not None and membership.clinic.second_factor_required) or (
        user.is_superuser and settings.SUPERUSERS_NEED_SECOND_FACTOR
    )
    return is_asked and not has_second_factor(user)
