"""Forms for signing in, for passwords, for invitations and for the clinic page."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm, LoginForm, ResetPasswordKeyForm
from allauth.core import context
from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.utils.translation import gettext_lazy as _

from skinsite.accounts import audit
from skinsite.accounts.lockout import describe_client, may_try_own_password
from skinsite.accounts.models import CLINIC_NAME_LENGTH, PERSON_NAME_LENGTH, REASON_LENGTH, Role, Theme, plain_address
from skinsite.accounts.selectors import may_sign_in_by_password, tokens_of_person
from skinsite.accounts.services.emergencies import MOST_HOURS
from skinsite.accounts.services.passwords import change_password, set_password_by_link
from skinsite.idempotency import OnceForm
from skinsite.zones import NAME_LENGTH, check_zone_name, find_zone_name

LANGUAGE_NAMES = [("en", "English"), ("ru", "Русский")]
"""Each in its own words, as the menu has them."""

ADDRESS_LENGTH = 254
DIFFER = _("The two passwords differ. Type the same one twice.")


def password_input(autocomplete: str) -> forms.PasswordInput:
    """A field that shows nothing; ``autocomplete`` is what a browser may fill in."""
    return forms.PasswordInput(attrs={"autocomplete": autocomplete})


class SignInForm(LoginForm):  # type: ignore[misc] # allauth ships no types
    """E-mail address and password. What is no address is answered as an unknown one is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        widget = forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
        address = forms.CharField(label=_("E-mail address"), max_length=ADDRESS_LENGTH, widget=widget)
        password = forms.CharField(label=_("Password"), strip=False, widget=password_input("current-password"))
        self.fields = {"login": address, "password": password}

    def clean_login(self) -> str:
        """The address in the one spelling."""
        return plain_address(self.cleaned_data["login"])

    def clean(self) -> dict[str, Any]:
        """Whom the password is of no use to is told so, once it was the right one."""
        cleaned: dict[str, Any] = super().clean()
        if self.user is not None and not may_sign_in_by_password(self.user):
            audit.user_sign_in_failed(about=self.user, client=describe_client(self.request))
            raise get_adapter().validation_error("passwords_off")
        return cleaned


class TwiceForm(forms.Form):
    """A new password, twice; a form of allauth checks and sets it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first, again = self.fields["password1"], self.fields["password2"]
        first.label, again.label = _("New password"), _("New password, once more")
        for field in (first, again):
            field.widget = password_input("new-password")

    def clean_password2(self) -> str:
        """Both are the same."""
        again: str = self.cleaned_data["password2"]
        if self.cleaned_data.get("password1") not in (None, again):
            raise forms.ValidationError(DIFFER, code="differs")
        return again


class OwnPasswordForm(TwiceForm, ChangePasswordForm):  # type: ignore[misc] # allauth ships no types
    """The old password, and the new one twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"] = forms.CharField(
            label=_("Old password"), strip=False, widget=password_input("current-password")
        )
        if tokens_of_person(self.user).exists():
            self.fields["keep_tokens"] = forms.BooleanField(
                label=_("Keep my API tokens"),
                required=False,
                help_text=_("Otherwise they end now, and each program needs a new one. Keep none that others know."),
            )

    def clean_oldpassword(self) -> str:
        """It is the right one; too many that are not are answered without looking."""
        password: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, password):
            is_free = may_try_own_password(self.user)
            raise get_adapter().validation_error("enter_current_password" if is_free else "too_many_login_attempts")
        return password

    def save(self) -> None:
        """Hand over to the service."""
        change_password(
            user=self.user,
            password=self.cleaned_data["password1"],
            client=describe_client(context.request),
            keep_tokens=self.cleaned_data.get("keep_tokens", False),
        )


class NewPasswordForm(TwiceForm, ResetPasswordKeyForm):  # type: ignore[misc] # as above
    """The new password twice, for somebody who opened a link."""

    def save(self) -> None:
        """Hand over to the service."""
        set_password_by_link(
            user=self.user, password=self.cleaned_data["password1"], client=describe_client(context.request)
        )


class InvitationForm(OnceForm):
    """Whom to invite, as what."""

    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(
        label=_("Role"),
        choices=Role,
        help_text=_("Clinicians read photographs, reviewers also give opinions, administrators also run the clinic."),
    )


class EmergencyForm(forms.Form):
    """Whom to let read the clinic's records in an emergency, for how long and why."""

    email = forms.EmailField(
        label=_("E-mail address"),
        help_text=_("Of an account that there is on this site already."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    hours = forms.TypedChoiceField(
        label=_("Hours"), coerce=int, choices=[(number, str(number)) for number in range(1, MOST_HOURS + 1)]
    )
    reason = forms.CharField(
        label=_("Reason"), max_length=REASON_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"})
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
        help_text=_("Days and times are shown in it, for everybody who has chosen none. Left empty: the site's.")
    )


class PreferenceField(forms.ChoiceField):
    """A choice of which one always holds: the first leaves it to the browser."""

    is_never_empty = True

    def __init__(self, *, label: Any, choices: Any) -> None:
        super().__init__(label=label, required=False, choices=[("", _("As in the browser")), *choices])


class PersonForm(forms.Form):
    """What a person is called, and how the site is shown to them."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=PERSON_NAME_LENGTH,
        help_text=_("Colleagues see it beside everything that you say."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = PreferenceField(label=_("Language"), choices=LANGUAGE_NAMES)
    theme = PreferenceField(label=_("Theme"), choices=Theme.choices)
    time_zone = TimeZoneField(help_text=_("Times are shown to you in it. Left empty: your clinic's."))


class JoinForm(forms.Form):
    """What a new person says when they accept an invitation."""

    name = forms.CharField(
        label=_("Your name"), max_length=PERSON_NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=password_input("new-password"),
        help_text=password_validators_help_text_html(),
    )
    password_again = forms.CharField(
        label=_("Password, once more"),
        strip=False,
        widget=password_input("new-password"),
    )

    def clean_password_again(self) -> str:
        """Both are the same."""
        again: str = self.cleaned_data["password_again"]
        if self.cleaned_data.get("password") not in (None, again):
            raise forms.ValidationError(DIFFER, code="differs")
        return again
