"""The classifier application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ClassifierConfig(AppConfig):
    """Patients, lesions, photographs, readings and reviews."""

    name = "classifier"
    verbose_name = _("Readings")
    default_auto_field = "django.db.models.BigAutoField"
