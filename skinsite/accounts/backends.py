"""Who may sign in at all."""

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from skinsite.accounts.models import Membership, User


class AccountBackend(ModelBackend):
    """Django's own, which refuses accounts of a demonstration clinic where settings do: their passwords are printed."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The person with this address and password, or None."""
        user = super().authenticate(request, username, password, **kwargs)
        if not isinstance(user, User):
            return None
        is_demo = not settings.DEMO_ALLOWED and Membership.objects.filter(user=user, clinic__is_demo=True).exists()
        return None if is_demo else user
