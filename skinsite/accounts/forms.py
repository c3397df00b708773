"""Forms for signing in, for passwords, for invitations and for the clinic page."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.utils.translation import gettext_lazy as _

from skinsite.accounts.models import CLINIC_NAME_LENGTH, PERSON_NAME_LENGTH, Role, Theme, User
from skinsite.accounts.services.passwords import change_password, set_password_by_link
from skinsite.idempotency import OnceForm
from skinsite.zones import NAME_LENGTH, check_zone_name, find_zone_name

LANGUAGE_NAMES = [("en", "English"), ("ru", "Русский")]
"""Each in its own words, as the menu has them."""


class SignInForm(AuthenticationForm):
    """E-mail address and password."""

    error_messages = {
        "invalid_login": _("This e-mail address and password do not belong together. Check both and try again."),
        "inactive": _("This account is closed. Ask an administrator of your clinic."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("E-mail address")
        self.fields["username"].widget = forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})


class OwnPasswordForm(PasswordChangeForm):
    """The old password, and the new one twice."""

    def save(self, commit: bool = True) -> User:  # noqa: ARG002, FBT001 Django's signature
        """Hand over to the service."""
        change_password(user=self.user, password=self.cleaned_data["new_password1"])
        return self.user


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg] # generic only in the stubs
    """The new password twice, for somebody who opened a link."""

    def save(self, commit: bool = True) -> User:  # noqa: ARG002, FBT001 Django's signature
        """Hand over to the service."""
        user: User = self.user
        set_password_by_link(user=user, password=self.cleaned_data["new_password1"])
        return user


class InvitationForm(OnceForm):
    """Whom to invite, as what."""

    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(
        label=_("Role"),
        choices=Role,
        help_text=_("Clinicians read photographs, reviewers also give opinions, administrators also run the clinic."),
    )


class ClinicNameForm(forms.Form):
    """What a clinic is called."""

    name = forms.CharField(
        label=_("Name of the clinic"),
        max_length=CLINIC_NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )


class TimeZoneField(forms.CharField):
    """A time zone by its name, suggested by the page's list of all as one types; empty for none of its own."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"})
        super().__init__(label=_("Time zone"), required=False, max_length=NAME_LENGTH, widget=widget, **options)

    def clean(self, value: Any) -> str:
        """Give the name as IANA writes it."""
        typed: str = super().clean(value)
        name = find_zone_name(typed) if typed else ""
        if name is None:
            check_zone_name(typed)
        return name or ""


class ClinicTimeZoneForm(forms.Form):
    """In which zone a clinic's days are counted."""

    time_zone = TimeZoneField(
        help_text=_("Days are counted and times told in it, for everybody who has set none. Empty: the site's.")
    )


class PersonForm(forms.Form):
    """What a person is called, and how the site is shown to them."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=PERSON_NAME_LENGTH,
        help_text=_("Colleagues see it beside everything that you say."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("As chosen in the browser")), *LANGUAGE_NAMES]
    )
    theme = forms.ChoiceField(
        label=_("Theme"), required=False, choices=[("", _("As chosen in the browser")), *Theme.choices]
    )
    time_zone = TimeZoneField(help_text=_("Times are told to you in it. Empty: your clinic's."))


class JoinForm(forms.Form):
    """What a new person says when they accept an invitation."""

    name = forms.CharField(
        label=_("Your name"), max_length=PERSON_NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validators_help_text_html(),
    )
    password_again = forms.CharField(
        label=_("Password, once more"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_password_again(self) -> str:
        """Both are the same."""
        again: str = self.cleaned_data["password_again"]
        if self.cleaned_data.get("password") not in (None, again):
            raise forms.ValidationError(_("The two passwords differ. Type the same one twice."), code="differs")
        return again
