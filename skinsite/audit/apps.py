"""The audit application."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _

from skinsite.menu import MENU, MenuItem

# How far the time that an event gives may lie before and after the database's own, in seconds: an event is written at
# the end of its transaction, and clocks of machines differ.
OF_NOW = (15 * 60, 5 * 60)
WARRANT_SECONDS = 7 * 24 * 3600


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
        from skinsite.audit.triggers import APPEND_ONLY, AppendOnly, install_triggers, take_off_triggers  # noqa: PLC0415 as above

        APPEND_ONLY.extend(
            (
                AppendOnly("audit.AuditEvent", warranted=False, moments=(("at", *OF_NOW),)),
                AppendOnly("audit.AuditSeal", warranted=False),
                AppendOnly("audit.AuditPayload"),
                AppendOnly("audit.AuditSubject"),
                AppendOnly(
                    "audit.Warrant",
                    warranted=False,
                    moments=(("issued_at", *OF_NOW), ("expires_at", 0, WARRANT_SECONDS)),
                ),
            )
        )
        pre_migrate.connect(take_off_triggers, sender=self, dispatch_uid="skinsite.audit.triggers.before")
        # With this one sender it runs once, after all migrations of all apps.
        post_migrate.connect(install_triggers, sender=self, dispatch_uid="skinsite.audit.triggers")
        sign_in.connect()
        MENU.append(MenuItem(20, _("Audit trail"), "history", "audit_auditevent", oversees_audit))
