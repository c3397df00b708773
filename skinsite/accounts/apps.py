"""The accounts application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from skinsite.menu import MENU, MenuItem


class AccountsConfig(AppConfig):
    """Users, clinics, memberships, invitations and API tokens."""

    name = "skinsite.accounts"
    label = "accounts"
    verbose_name = _("Accounts")
    default_auto_field = "django.db.models.BigAutoField"
    is_administered = True

    def ready(self) -> None:
        """Declare the events of accounts, and what of them is in the menu."""
        from skinsite.accounts import audit, personal, signed_in  # noqa: F401, PLC0415 models are ready only now
        from skinsite.accounts.forms import (  # noqa: PLC0415 as above
            ClinicNameForm,
            EmergencyForm,
            InvitationForm,
            PersonForm,
        )
        from skinsite.accounts.made_for import FORMS  # noqa: PLC0415 as above
        from skinsite.accounts.oversight import is_superuser  # noqa: PLC0415 as above
        from skinsite.accounts.program_forms import RenewalForm, TokenForm  # noqa: PLC0415 as above

        FORMS.extend([ClinicNameForm, EmergencyForm, InvitationForm, PersonForm, TokenForm, RenewalForm])
        personal.connect()
        signed_in.connect()
        MENU.append(MenuItem(30, _("Clinics"), "local_hospital", "accounts_clinic", is_superuser))
        MENU.append(MenuItem(40, _("People"), "person", "accounts_user", is_superuser))
        MENU.append(MenuItem(50, _("Memberships"), "badge", "accounts_membership", is_superuser))
