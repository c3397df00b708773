"""What is said of a lesion reading: why its outcome is what it is, and why a photograph is not in it."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from classifier.models import LesionReading
from classifier.presentation.wording import REASONS, reason_text

OF_LESIONS: dict[str, str | Promise] = {
    "photographs_disagree": _(
        "The photographs disagree: at least one alone is suspicious, all together are not. Judge the lesion clinically."
    ),
    "different_lesions": _(
        "The photographs look like different lesions and are not taken together. Check where they belong."
    ),
    "shown_before": _(
        "Photographs added since a reading was shown would lower the outcome; it stays until a person decides."
    ),
}
LEFT_OUT: dict[str, str | Promise] = {
    "near_duplicate": _("A copy of another photograph of this examination."),
    "different_lesions": _("It looks like another lesion than the other photographs."),
    "not_read": _("It could not be read."),
    "other_model": _("Another model has read it."),
}


def lesion_reason_text(reading: LesionReading) -> str:
    """Why the outcome is what it is, in a sentence or two."""
    known = OF_LESIONS.get(reading.reason)
    return reason_text(reading) if known is None else str(known)


def left_out_text(code: str) -> str:
    """Why a photograph was left out; also for a code that a model of later make gives."""
    return str(LEFT_OUT.get(code, REASONS.get(code, code)))
