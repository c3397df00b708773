"""The health application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HealthConfig(AppConfig):
    """Checks of the running service, and system checks of its settings."""

    name = "skinsite.health"
    label = "health"
    verbose_name = _("Health")

    def ready(self) -> None:
        """Register the checks."""
        from skinsite import checks as system_checks  # noqa: F401, PLC0415 registers; models are ready only now
        from skinsite.health import checks  # noqa: F401, PLC0415 as above
