"""The application of what runs below every page; it has one table, of counts."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PlatformConfig(AppConfig):
    """Counts of what is limited."""

    name = "skinsite.platform"
    label = "platform"
    verbose_name = _("Limits")
    default_auto_field = "django.db.models.BigAutoField"
