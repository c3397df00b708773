"""The audit application."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from skinsite.menu import MENU, MenuItem


class AuditConfig(AppConfig):
    """The one audit trail, of change and of access."""

    name = "skinsite.audit"
    label = "audit"
    verbose_name = _("Audit trail")
    default_auto_field = "django.db.models.BigAutoField"
    is_administered = True

    def ready(self) -> None:
        """Make the trail append-only, and see to it after every migrate; record who signs in."""
        from skinsite.accounts.oversight import oversees_audit  # noqa: PLC0415 models are ready only now
        from skinsite.audit import sign_in  # noqa: PLC0415 as above
        from skinsite.audit.triggers import APPEND_ONLY, AppendOnly, install_triggers  # noqa: PLC0415 as above

        for table in ("audit_auditevent", "audit_auditpayload", "audit_auditsubject"):
            APPEND_ONLY.append(AppendOnly(table, events=("UPDATE", "DELETE")))
        # With this one sender it runs once, after all migrations of all apps.
        post_migrate.connect(install_triggers, sender=self, dispatch_uid="skinsite.audit.triggers")
        sign_in.connect()
        MENU.append(MenuItem(20, _("Audit trail"), "history", "audit_auditevent", oversees_audit))
