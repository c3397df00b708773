"""Names of people: what is said in them is what is read, and no two people of a clinic can be taken for each other."""

import unicodedata
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from skinsite.accounts.models import PERSON_NAME_LENGTH, Clinic, Membership, User
from skinsite.text import clean_line, fold_line, has_visible_sign, shape_of_key, too_long

# Unicode's Bidi_Control: they turn what follows, so that a name reads otherwise than it is written.
TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_person_name(name: str, *, clinics: Iterable[Clinic], person: User | None = None) -> str:
    """A person's name as it is kept: opinions and records are shown under it.

    Raises ``ValidationError`` at ``name`` for one that is empty or too long, for control characters and those that turn
    the direction of writing, and for one that looks like that of a colleague in one of ``clinics``.
    """
    if any(unicodedata.category(character) == "Cc" or character in TURNING for character in name.strip()):
        raise ValidationError({"name": _("A name has letters, blanks and signs alone.")}, code="invalid")
    cleaned = clean_line(name)
    if not has_visible_sign(cleaned):
        raise ValidationError({"name": _("Give your name, as colleagues know it.")}, code="required")
    if len(cleaned) > PERSON_NAME_LENGTH:
        raise ValidationError({"name": too_long(PERSON_NAME_LENGTH)})
    if is_name_of_colleague(cleaned, clinics=clinics, person=person):
        text = _("A colleague in this clinic has this name. Add an initial or a department to tell you apart.")
        raise ValidationError({"name": text}, code="unique")
    return cleaned


def is_name_of_colleague(name: str, *, clinics: Iterable[Clinic], person: User | None = None) -> bool:
    """Whether a name looks like that of somebody else who works, or worked, in one of the clinics."""
    colleagues = Membership.objects.filter(clinic__in=clinics).exclude(user=person).values_list("user__name", flat=True)
    return bool(name) and _shape(name) in set(map(_shape, colleagues))


def _shape(name: str) -> str:
    """Equal for two names that a reader may take for the same."""
    return shape_of_key(fold_line(name))
