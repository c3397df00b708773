"""Corrections of a photograph in words, with the lesions that they name."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from classifier.disclosure.readings import name_lesions
from classifier.models import ImageCorrection, Lesion, LesionImage, Modality
from classifier.models.image import ENTERED_IN_ERROR, IN_USE, CorrectionKind, split_declared
from classifier.presentation.wording import declared_text, lesion_title
from skinsite.accounts.actors import Actor


@dataclass(frozen=True, slots=True)
class Side:
    """What something was before a correction, or is after it; ``address`` leads to a lesion."""

    text: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """One correction, and both its sides."""

    correction: ImageCorrection
    before: Side
    after: Side


def corrections_in_words(actor: Actor, image: LesionImage) -> list[CorrectionRow]:
    """Every correction of the photograph, oldest first; at most one query more than they took."""
    corrections = list(image.corrections.all())
    moves = [each for each in corrections if each.kind == CorrectionKind.MOVED]
    named = [key for move in moves for key in (move.before, move.after)]
    lesions = name_lesions(actor, named)
    return [
        CorrectionRow(each, _side(each.kind, each.before, lesions), _side(each.kind, each.after, lesions))
        for each in corrections
    ]


def _side(kind: str, value: str, lesions: dict[str, Lesion]) -> Side:
    if kind == CorrectionKind.DECLARED:
        return Side(declared_text(split_declared(value)) or _("nothing declared"))
    if value in lesions:
        lesion = lesions[value]
        return Side(f"{lesion.patient.code}, {lesion_title(lesion)}", reverse("lesion", args=[lesion.public_id]))
    states = {IN_USE: _("In use"), ENTERED_IN_ERROR: _("Entered in error")}
    return Side(str(Modality(value).label) if value in Modality.values else states.get(value, value))
