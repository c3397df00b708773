"""For how long a directory's word holds."""

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import models
from django.utils import timezone

from skinsite.platform.secrecy import Cipher

REFRESH_TOKENS = Cipher("skinsite.directory.refresh_token")


class DirectoryGrant(models.Model):
    """A directory has vouched for a person, until a time; with the refresh token it is asked again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="directory_grants")
    account = models.OneToOneField(SocialAccount, on_delete=models.CASCADE, related_name="grant")
    # Closed by `REFRESH_TOKENS`; empty where the directory gives none.
    refresh_token = models.TextField(blank=True)
    signed_in_at = models.DateTimeField(default=timezone.now)
    vouched_until = models.DateTimeField()
    # When a process last took it to ask the directory: of two at once one does.
    asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["vouched_until"], name="directory_grant_due")]

    def __str__(self) -> str:
        return f"{self.account.provider}: {self.user}"
