"""The application of directories."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DirectoryConfig(AppConfig):
    """Signing in by a directory: OpenID Connect with the providers that the environment names."""

    name = "skinsite.directory"
    label = "directory"
    verbose_name = _("Directories")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Declare the events and the checks, and open the door."""
        from skinsite.accounts.doors import DOORS  # noqa: PLC0415 models are ready only now
        from skinsite.directory import audit, checks, health  # noqa: F401, PLC0415 as above
        from skinsite.directory.sessions import DOOR  # noqa: PLC0415 as above

        if DOOR not in DOORS:
            DOORS.append(DOOR)
