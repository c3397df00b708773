"""Forms of the second factor: django-allauth's, with our words and with limits that hold over all processes."""

import json
from typing import Any

from allauth.account.forms import ReauthenticateForm
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateByCodeForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, AuthenticateWebAuthnForm, ReauthenticateWebAuthnForm
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from fido2.utils import websafe_decode

from skinsite.accounts.models import User
from skinsite.platform.rate_limits import forget, spend

KEY_NAME_LENGTH = 60
# What a credential that is made up may raise in the library's parsing.
MADE_UP = (ValueError, KeyError, TypeError, AttributeError, IndexError)


class CodeForm(forms.Form):
    """A code, of few tries, and good for once; a form of allauth checks it."""

    user: User
    limit = "second_factor"
    code_label = _("Code of your app, or a recovery code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        attributes = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "spellcheck": "false"}
        self.fields["code"] = forms.CharField(
            label=self.code_label, max_length=20, widget=forms.TextInput(attrs=attributes)
        )

    def clean_code(self) -> str:
        """The right one, which nobody has used before."""
        _require_try(self.limit, self.user)
        code: str = super().clean_code()  # type: ignore[misc] # of the form beside this one
        plain = "".join(filter(str.isalnum, code))
        used = spend("code_used", f"{self.user.pk} {plain}")
        if used is not None and not used.passed:
            raise get_adapter().validation_error("incorrect_code")
        forget(self.limit, self.user.pk)
        return code


class SignInByCodeForm(CodeForm, AuthenticateForm):  # type: ignore[misc] # allauth ships no types
    """The second step of signing in."""


class ConfirmByCodeForm(CodeForm, ReauthenticateByCodeForm):  # type: ignore[misc] # as above
    """Who is signed in shows that they still are who they were."""


class AppForm(CodeForm, ActivateTOTPForm):  # type: ignore[misc] # as above
    """The first code of an app shows that it has the secret."""

    # Whoever has the session sees the secret: no right code of it forgives wrong ones at the sign-in.
    limit = "second_factor_new"
    code_label = _("Code that the app shows now")


class ConfirmByPasswordForm(ReauthenticateForm):  # type: ignore[misc] # as above
    """As `ConfirmByCodeForm`, by password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        widget = forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True})
        self.fields["password"] = forms.CharField(label=_("Password"), strip=False, widget=widget)


class KeyForm(forms.Form):
    """What a passkey or security key of the person answered, for this site; a form of allauth checks it."""

    user: User

    def clean_credential(self) -> Any:
        """The key; what was answered to another site, or is no answer of the person's key, is refused."""
        _require_try("second_factor", self.user)
        require_own_origin(self.cleaned_data["credential"])
        try:
            found = super().clean_credential()  # type: ignore[misc] # of the form beside this one
        except MADE_UP:
            raise get_adapter().validation_error("incorrect_code") from None
        forget("second_factor", self.user.pk)
        return found


class SignInByKeyForm(KeyForm, AuthenticateWebAuthnForm):  # type: ignore[misc] # as above
    """The second step of signing in."""


class ConfirmByKeyForm(KeyForm, ReauthenticateWebAuthnForm):  # type: ignore[misc] # as above
    """As `ConfirmByCodeForm`, by key."""


class AddKeyForm(AddWebAuthnForm):  # type: ignore[misc] # as above
    """A new key, by a name that tells it from others.

    It shows nothing of who asks: no count of wrong tries begins anew. One that is made to sign in alone has to ask for
    face, finger or PIN already now.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = forms.CharField(
            label=_("Name of the key"), max_length=KEY_NAME_LENGTH, required=False, initial=self.initial.get("name")
        )
        self.fields["passwordless"] = forms.BooleanField(
            label=_("Sign in with this key alone, without a password"),
            required=False,
            help_text=_("It then asks for your face, finger or PIN itself. Small keys have room for few such."),
        )

    def clean_credential(self) -> Any:
        """What was answered to another site, or is no answer of a key, is refused."""
        _require_try("second_factor_new", self.user)
        require_own_origin(self.cleaned_data["credential"])
        return self.cleaned_data["credential"]

    def clean(self) -> dict[str, Any]:
        """It answers the question of this page."""
        try:
            cleaned: dict[str, Any] = super().clean() or {}
        except MADE_UP:
            raise get_adapter().validation_error("incorrect_code") from None
        return cleaned


def _require_try(limit: str, user: User) -> None:
    standing = spend(limit, user.pk)
    if standing is not None and not standing.passed:
        raise get_adapter().validation_error("too_many_codes")


def require_own_origin(credential: Any) -> None:
    """Refuse what a key answered to another site, or no key at all. Raises ``ValidationError``."""
    request = context.request
    own = settings.WEBAUTHN_ORIGINS or [f"{request.scheme}://{request.get_host()}"]
    try:
        origin = json.loads(websafe_decode(credential["response"]["clientDataJSON"]))["origin"]
    except MADE_UP:
        origin = None
    if origin not in own:
        raise get_adapter().validation_error("incorrect_code")
