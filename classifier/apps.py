"""The classifier application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ClassifierConfig(AppConfig):
    """Patients, lesions, photographs, readings and reviews."""

    name = "classifier"
    verbose_name = _("Readings")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the tables that the database keeps as they are; register what the site offers a place for."""
        from classifier import audit, health  # noqa: F401, PLC0415 both register; models are ready only now
        from classifier.web.practice import PRACTICE_PANEL  # noqa: PLC0415 as above
        from skinsite.accounts.panels import PANELS  # noqa: PLC0415 as above
        from skinsite.audit.triggers import APPEND_ONLY, AppendOnly  # noqa: PLC0415 as above

        PANELS.append(PRACTICE_PANEL)
        APPEND_ONLY.append(AppendOnly("classifier_prediction", when="OLD.status IN ('done', 'failed')"))
        APPEND_ONLY.append(AppendOnly("classifier_review"))
        APPEND_ONLY.append(AppendOnly("classifier_imagecorrection"))
