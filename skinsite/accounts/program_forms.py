"""Forms for API tokens and service accounts."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from skinsite.accounts.models import PROGRAM_NAME_LENGTH, Scope
from skinsite.accounts.tokens import LONGEST_DAYS, USUAL_DAYS
from skinsite.idempotency import OnceForm

LIFETIMES = (7, 30, USUAL_DAYS, 180, LONGEST_DAYS)
OVERLAP = timedelta(days=7)


def _lifetimes() -> list[tuple[int, str]]:
    return [(days, ngettext("%(days)s day", "%(days)s days", days) % {"days": days}) for days in LIFETIMES]


class LifetimeForm(OnceForm):
    """For how long a token works."""

    days = forms.TypedChoiceField(label=_("Works for"), coerce=int, choices=_lifetimes, initial=USUAL_DAYS)


class TokenForm(LifetimeForm):
    """A new token: for which program, and what it may do."""

    name = forms.CharField(
        label=_("Name of the program"),
        max_length=PROGRAM_NAME_LENGTH,
        help_text=_("Which program it is for, so that you know it again."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(
        label=_("What it may do"),
        choices=Scope,
        initial=Scope.READ,
        help_text=_("A program that only sends photographs gets their readings back, and sees no other patient."),
    )
    field_order = ("name", "scope", "days")


class ServiceForm(TokenForm):
    """A new service account, with its first token."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = _("Its own name on records and in the audit trail.")
        self.fields["days"].label = _("The first token works for")


class RenewalForm(LifetimeForm):
    """The next token of a service account, and how long the one before still works."""

    old_ends = forms.DateField(
        label=_("The token before ends after"),
        help_text=_("Both work until the end of this day, so that the program can be given the new one."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    field_order = ("days", "old_ends")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        self.fields["old_ends"].initial = today + OVERLAP
        self.fields["old_ends"].widget.attrs["min"] = today.isoformat()

    def clean_old_ends(self) -> datetime:
        """The end of that day, in the zone in which times are told."""
        day: date = self.cleaned_data["old_ends"]
        return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))
