"""Signing in by a passkey alone: django-allauth's form, with the limits that hold for passwords."""

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn.forms import LoginWebAuthnForm
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError

from skinsite.accounts import lockout
from skinsite.accounts.second_factor_forms import MADE_UP, require_own_origin


class SignInByPasskeyForm(LoginWebAuthnForm):  # type: ignore[misc] # allauth ships no types
    """What a passkey answered that has asked for face, finger or PIN; whose it is stands in the answer."""

    def clean_credential(self) -> Any:
        """The key. What no key of this site answered is counted by address, and never against whom it names.

        Raises ``ImmediateHttpResponse`` where too many wrong answers came from the address.
        """
        request = context.request
        try:
            require_own_origin(self.cleaned_data["credential"])
            return super().clean_credential()
        except (ValidationError, OverflowError, *MADE_UP):
            lockout.note_wrong_key(request)
            # The trail counts it as of an unknown account.
            user_login_failed.send(type(self), credentials={}, request=request)
            raise get_adapter().validation_error("incorrect_code") from None
