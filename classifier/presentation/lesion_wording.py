"""What is said of the reading of a lesion, and of what each photograph did to it."""

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from classifier.anatomy.sites import Side
from classifier.models import Lesion, LesionReading, Outcome
from classifier.models.lesion_reading import NOT_READ, OTHER_MODEL, SHOWN_BEFORE
from classifier.presentation import wording
from ml.serve.pool import DIFFERENT_LESIONS, NEAR_DUPLICATE, PHOTOGRAPHS_DISAGREE
from ml.taxonomy import DECISIONS

LEFT_OUT: dict[str, str | Promise] = {
    NEAR_DUPLICATE: gettext_lazy("left out: nearly the same picture as another"),
    DIFFERENT_LESIONS: gettext_lazy("not taken together: perhaps another lesion"),
    NOT_READ: gettext_lazy("left out: its reading failed"),
    OTHER_MODEL: gettext_lazy("left out: read by another model"),
    "clinical_photograph": gettext_lazy("left out: clinical photograph"),
}


def reason_text(reading: LesionReading, places: Mapping[str, int]) -> str:
    """Why a lesion's outcome is what it is.

    ``places`` are the numbers of the examination's photographs on the page, by public id; one that is no longer among
    them is not named.
    """
    named = [places[each] for each in reading.named if each in places]
    if reading.reason == SHOWN_BEFORE:
        return _shown_before_text(reading)
    if reading.reason == DIFFERENT_LESIONS:
        return _different_lesions_text(named)
    if not reading.shows_probabilities:
        return _unread_text(reading)
    if reading.reason == PHOTOGRAPHS_DISAGREE:
        return _disagreement_text(reading, named)
    if reading.named or reading.reason not in DECISIONS:
        return _kept_from_low_risk_text(reading, named)
    return wording.decision_text(reading)


def left_out_text(code: str) -> str:
    """Why a photograph has no part in the lesion's reading; empty for one that has."""
    return str(LEFT_OUT.get(code, _("left out: not assessable"))) if code else ""


def lesion_name(lesion: Lesion) -> str:
    """Which of a patient's lesions it is: number, site, side in a word, and label where it has one."""
    side = str(lesion.get_side_display()).lower() if lesion.side not in ("", Side.UNKNOWN) else ""
    place = ", ".join(filter(None, [str(lesion.get_body_site_display()), side, lesion.label]))
    return f"L{lesion.number} · {place}"


def _name_photographs(places: Iterable[int]) -> str:
    """Photographs by their numbers on the page, in the nominative; that there is one, where none is known."""
    numbers = sorted(places)
    if not numbers:
        return _("one photograph")
    *first, last = map(str, numbers)
    listed = _("%(first)s and %(last)s") % {"first": ", ".join(first), "last": last} if first else last
    return ngettext("photograph %(numbers)s", "photographs %(numbers)s", len(numbers)) % {"numbers": listed}


def _shown_before_text(reading: LesionReading) -> str:
    if reading.malignant_probability is None:
        return _("The photographs now say less. What was shown before stays: only a person can end it.")
    return _(
        "The photographs now give a malignant sum of %(malignant)s, which is less. What was shown before stays: only a "
        "person can end it."
    ) % {"malignant": wording.percent(reading.malignant_probability)}


def _different_lesions_text(named: list[int]) -> str:
    return _(
        "The photographs look like different lesions (unlike the others: %(names)s), so they were not taken together, "
        "and the most severe counts. Is it the same lesion? If not, move what belongs to another."
    ) % {"names": _name_photographs(named)}


def _disagreement_text(reading: LesionReading, named: list[int]) -> str:
    return _(
        "The photographs disagree: the malignant sum of all together is %(malignant)s, but suspicious by itself: "
        "%(names)s."
    ) % {"malignant": wording.percent(reading.malignant_probability or 0), "names": _name_photographs(named)}


def _kept_from_low_risk_text(reading: LesionReading, named: list[int]) -> str:
    return _(
        "The malignant sum of all together is %(malignant)s, low by itself; but what the model does not decide keeps "
        "the lesion from low risk: %(names)s."
    ) % {"malignant": wording.percent(reading.malignant_probability or 0), "names": _name_photographs(named)}


def _unread_text(reading: LesionReading) -> str:
    why = wording.REASONS.get(reading.reason, reading.reason)
    if len(reading.inputs) > 1:
        why = _("None of the photographs could be assessed.")
    is_referred = reading.outcome == Outcome.REFER_UNCERTAIN
    return f"{why} {wording.NOT_READ_YET_REFERRED if is_referred else wording.NOT_READ}"
