"""The health application."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class HealthConfig(AppConfig):
    """Checks of the running service, system checks of its settings, and what keeps it quick."""

    name = "skinsite.health"
    label = "health"
    verbose_name = _("Health")

    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, and look after the database after every migrate."""
        from skinsite.health import (  # noqa: F401, PLC0415 models are ready only now; in this order
            checks,
            files,
            free_space,
            system_checks,
            trail,
        )
        from skinsite.platform.housekeeping import gather_statistics  # noqa: PLC0415 as above

        post_migrate.connect(gather_statistics, sender=self, dispatch_uid="skinsite.platform.housekeeping")
        post_migrate.connect(files.close_database, sender=self, dispatch_uid="skinsite.health.files")
