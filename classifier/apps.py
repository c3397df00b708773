"""The classifier application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from skinsite.menu import MENU, MenuItem


class ClassifierConfig(AppConfig):
    """Patients, lesions, photographs, readings and reviews."""

    name = "classifier"
    verbose_name = _("Readings")
    default_auto_field = "django.db.models.BigAutoField"
    is_administered = True

    def ready(self) -> None:
        """Name the tables that the database keeps as they are; register what the site offers a place for."""
        from classifier import audit, checks, health  # noqa: F401, PLC0415 all register; models are ready only now
        from classifier.admin.forms import ReviewForm  # noqa: PLC0415 as above
        from classifier.web import forms  # noqa: PLC0415 as above
        from classifier.web.practice import PRACTICE_PANEL, PracticeForm  # noqa: PLC0415 as above
        from classifier.web.storage import STORAGE_PANEL  # noqa: PLC0415 as above
        from skinsite.accounts.made_for import FORMS  # noqa: PLC0415 as above
        from skinsite.accounts.oversight import is_superuser, oversees_clinic  # noqa: PLC0415 as above
        from skinsite.accounts.panels import PANELS  # noqa: PLC0415 as above
        from skinsite.audit.triggers import APPEND_ONLY, AppendOnly  # noqa: PLC0415 as above

        MENU.append(MenuItem(10, _("Readings"), "image_search", "classifier_prediction", oversees_clinic))
        MENU.append(MenuItem(60, _("Models"), "deployed_code", "classifier_modelversion", is_superuser))
        PANELS.append(PRACTICE_PANEL)
        APPEND_ONLY.append(AppendOnly("classifier.Prediction", when="OLD.status IN ('done', 'failed')"))
        APPEND_ONLY.append(AppendOnly("classifier.LesionReading"))
        APPEND_ONLY.append(AppendOnly("classifier.ReadingShown"))
        APPEND_ONLY.append(AppendOnly("classifier.RiskFactor"))
        APPEND_ONLY.append(AppendOnly("classifier.Review"))
        APPEND_ONLY.append(AppendOnly("classifier.ImageCorrection"))
        APPEND_ONLY.append(AppendOnly("classifier.LesionMerge", when="OLD.undone_at IS NOT NULL"))
        APPEND_ONLY.append(AppendOnly("classifier.PatientMerge", when="OLD.undone_at IS NOT NULL"))
        APPEND_ONLY.append(AppendOnly("classifier.Task", when="OLD.done_at IS NOT NULL"))
        PANELS.append(STORAGE_PANEL)
        FORMS.extend([forms.NewPatientForm, forms.NewLesionForm, forms.UploadForm, forms.MoveForm])
        FORMS.extend([ReviewForm, PracticeForm])
