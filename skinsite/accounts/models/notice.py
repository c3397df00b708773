"""What people are told by mail about their own accounts."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from skinsite.accounts.models.person import User


class KnownPlace(models.Model):
    """A browser, by its name, and an address, of IPv6 its /64, that a person has signed in from.

    When they sign in from elsewhere they are told.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="known_places")
    browser = models.CharField(max_length=60)
    address = models.CharField(max_length=45)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "browser", "address"], name="place_known_once")]

    def __str__(self) -> str:
        return f"{self.browser} {self.address}"


class NoticeKind(models.TextChoices):
    """What a person is told of by mail, whoever did it."""

    SIGN_IN = "sign_in", _("New sign-in")
    TOKEN = "token", _("New API token")
    RESET = "reset", _("Password reset")
    EMERGENCY = "emergency", _("Emergency access")


class Notice(models.Model):
    """A mail to a person about their own account, sent or to be sent. It names no patient."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=10, choices=NoticeKind)
    language = models.CharField(max_length=10)
    facts = models.JSONField(default=dict)
    made_at = models.DateTimeField(default=timezone.now, db_index=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(kind__in=NoticeKind.values), name="notice_kind_known")]

    def __str__(self) -> str:
        return str(self.get_kind_display())
