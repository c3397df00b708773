"""Why a directory's word is not enough to sign somebody in, and what the person is told."""

from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    """What is kept in the trail, with the words for people."""

    CANCELLED = "cancelled", _("You broke off at the directory. Nothing has happened; you can begin again.")
    STATE = (
        "state",
        _(
            "This answer belongs to no sign-in that was begun in this browser in the last ten minutes, or it has been "
            "used already. Begin again on the sign-in page."
        ),
    )
    ANSWER = "answer", _("The directory has answered with an error. Try again; if it stays, tell those who run it.")
    UNREACHABLE = (
        "unreachable",
        _("The directory cannot be reached, or does not answer as it should. Try again in a few minutes."),
    )
    FORGED = (
        "forged",
        _("The directory's answer does not pass the checks and is not believed. Tell those who run this site."),
    )
    CLOCK = (
        "clock",
        _(
            "By its time the directory's answer is not valid now: its clock and this site's clock differ by more than "
            "a minute. Tell those who run the directory and this site; one of the two clocks has to be set."
        ),
    )
    UNVERIFIED = (
        "unverified",
        _("The directory does not confirm that the e-mail address is yours. Ask those who run it to verify it."),
    )
    DOMAIN = "domain", _("Your e-mail address is in none of the domains that sign in here by this directory.")
    NO_PLACE = (
        "no_place",
        _("The directory knows you, but you belong to none of its clinics here. Ask an administrator to invite you."),
    )
    CLOSED = "closed", _("Your account on this site is closed. Ask an administrator of your clinic.")
    SUPERUSER = (
        "superuser",
        _("Accounts that run this site never sign in by a directory. Use your password and your second factor."),
    )
    OTHER_PERSON = (
        "other_person",
        _(
            "Your e-mail address belonged to another account of the directory when it was last used here. Ask those "
            "who run this site: they can hand it over to you."
        ),
    )
    GROUPS_LEFT_OUT = (
        "groups_left_out",
        _("You are in so many groups that the directory does not name them. Those who run it can name fewer."),
    )


class RefusalError(OAuth2Error):  # type: ignore[misc] # allauth ships no types
    """Nobody is signed in. ``detail`` is for the log and never shown; ``email`` is what a verified answer claimed."""

    def __init__(self, reason: Reason, detail: str = "", *, email: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail
        self.email = email
