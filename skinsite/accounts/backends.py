"""Who may sign in at all."""

from allauth.account.auth_backends import AuthenticationBackend

from skinsite.accounts.models import User
from skinsite.accounts.selectors import is_refused_demo


class AccountBackend(AuthenticationBackend):  # type: ignore[misc] # allauth ships no types
    """allauth's own, by the exact address. Closed accounts are answered as wrong passwords are.

    Accounts of a demonstration clinic are refused where settings do: their passwords are printed.
    """

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        user = User.objects.find_by_address(email)
        if user is None:
            return None
        self._did_check_password = True
        is_right = user.check_password(password)
        return user if is_right and self.user_can_authenticate(user) and not is_refused_demo(user) else None
