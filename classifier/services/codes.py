"""What is odd about a patient's code: told to whoever types it, never a reason to refuse it."""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from classifier import audit
from classifier.models import Patient
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Capability
from skinsite.accounts.policies import may
from skinsite.text import fold_line, shape_of_key

LOOK_ALIKES = 3  # as many are named

DATE = re.compile(
    r"(?<!\d)(?:"
    r"(?:0?[1-9]|[12]\d|3[01])[./\- ](?:0?[1-9]|1[0-2])[./\- ](?:18|19|20)\d{2}"  # 12.3.1980
    r"|(?:0[1-9]|[12]\d|3[01])[./\-](?:0[1-9]|1[0-2])[./\-]\d{2}"  # 12.03.80
    r"|(?:0?[1-9]|1[0-2])[./\- ](?:0?[1-9]|[12]\d|3[01])[./\- ](?:18|19|20)\d{2}"  # 12/31/1980
    r"|(?:19|20)\d{2}[./\-](?:0?[1-9]|1[0-2])[./\-](?:0?[1-9]|[12]\d|3[01])"  # 1980-03-12
    r"|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d{2}"  # 12031980
    r"|(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"  # 19800312
    r")(?!\d)"
)
# Eleven digits: a telephone or SNILS number; sixteen: an insurance policy. Blanks and hyphens between are no end.
LONG_NUMBER = re.compile(r"(?<!\d)(?:\d[ \-()]*){10,}\d(?!\d)")
LEAST_LETTERS = 3  # of a word that stands alone beside a blank

PERSONAL = gettext_lazy(
    "“%(code)s” looks like a name, a date or a personal number. Use a code of your own records that says nothing of "
    "the person."
)


@dataclass(frozen=True, slots=True)
class CodeWarning:
    """Something odd: a code for machines, and its text for people."""

    code: str
    text: str


def warn_of_code(actor: Actor, code: str, *, patient: Patient | None = None) -> list[CodeWarning]:
    """What is odd about a code: that it seems to tell who the person is, and which others of the clinic look like it.

    ``patient`` is the one who has it, who is no look-alike of theirs. Whom a warning names is on the trail.
    """
    warnings = [CodeWarning("personal_data", str(PERSONAL) % {"code": code})] if looks_personal(code) else []
    text = _("Another patient of this clinic has a code that looks alike: “%(code)s”.")
    alike = find_look_alikes(actor, code, patient)
    if alike:
        audit.patients_listed(actor=actor, shown=alike, by="code")
    return [*warnings, *(CodeWarning("look_alike", text % {"code": other.code}) for other in alike)]


def looks_personal(code: str) -> bool:
    """Whether a code reads like a name, a date, an address of mail, or the number of a telephone or a document."""
    key = fold_line(code)
    words = [re.sub(r"[^\w]", "", word) for word in re.split(r"[\s,;]+", key)]
    names = [word for word in words if word.isalpha()]
    has_name = len(words) > 1 and (len(names) > 1 or any(len(name) >= LEAST_LETTERS for name in names))
    return has_name or "@" in key or bool(DATE.search(key) or LONG_NUMBER.search(key))


def find_look_alikes(actor: Actor, code: str, patient: Patient | None = None) -> list[Patient]:
    """The clinic's patients whose codes a quick reader would take for this one; those that are it are none of them.

    Nobody is named to an actor who only sends.
    """
    key = fold_line(code)
    shape = shape_of_key(key)
    if not shape or not may(actor, Capability.READ_RECORDS):
        return []
    visible = Patient.objects.visible_to(actor)
    others = visible.exclude(code_key=key) if patient is None else visible.exclude(pk=patient.pk)
    codes = others.values_list("pk", "code_key").iterator()
    alike = [pk for pk, other in codes if shape_of_key(other) == shape]
    return list(visible.filter(pk__in=alike[:LOOK_ALIKES]).order_by("code_key"))
