"""Who may sign in at all."""

import threading
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.http import HttpRequest

from skinsite.accounts.models import User
from skinsite.accounts.selectors import is_refused_demo

# One hash takes 100 MB and a fifth of a second of a core: who signs in waits for a turn, and pages do not.
HASHES_AT_ONCE = 2
_turns = threading.BoundedSemaphore(HASHES_AT_ONCE)


class AccountBackend(AuthenticationBackend):  # type: ignore[misc] # allauth ships no types
    """allauth's own, by the exact address. Closed accounts are answered as wrong passwords are.

    Accounts of a demonstration clinic are refused where settings do: their passwords are printed.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """The person with this address and password, or None; each answer costs one hash."""
        with _turns:
            user: User | None = super().authenticate(request, **credentials)
        return user

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        user = User.objects.find_by_address(email)
        if user is None:
            return None
        self._did_check_password = True
        is_right = user.check_password(password)
        return user if is_right and self.user_can_authenticate(user) and not is_refused_demo(user) else None
