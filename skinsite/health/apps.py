"""The health application."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class HealthConfig(AppConfig):
    """Checks of the running service, and system checks of its settings."""

    name = "skinsite.health"
    label = "health"
    verbose_name = _("Health")

    def ready(self) -> None:
        """Register the checks."""
        from skinsite.health import checks, files  # noqa: F401, I001, PLC0415 models are ready only now; in this order
        from skinsite import checks as system_checks  # noqa: F401, PLC0415 as above

        # With this one sender, which has tables, it runs once.
        audit = apps.get_app_config("audit")
        post_migrate.connect(files.close_database, sender=audit, dispatch_uid="skinsite.health.files")
