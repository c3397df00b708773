"""The accounts application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Users, clinics, memberships, invitations and API tokens."""

    name = "skinsite.accounts"
    label = "accounts"
    verbose_name = _("Accounts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Declare the events of accounts."""
        from skinsite.accounts import audit  # noqa: F401, PLC0415 models are ready only now
