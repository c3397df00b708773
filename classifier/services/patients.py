"""Patients, each found by the code that the clinic gives."""

import secrets
import uuid
from enum import Enum
from typing import NoReturn

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from classifier import audit, policies
from classifier.models import Patient, Sex
from classifier.models.patient import CODE_KEY_LENGTH, CODE_LENGTH
from classifier.services.codes import find_look_alikes
from classifier.services.locks import lock_clinic
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Clinic
from skinsite.audit.events import names_of_changed
from skinsite.idempotency import row_id
from skinsite.text import clean_line, fold_line, has_visible_sign, too_long

GENERATED_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that reads like another
GENERATED_LENGTH = 6
FIRST_BIRTH_YEAR = 1900


class Expected(Enum):
    """Whom a code is of, as far as whoever sends it says: so that a typo makes no patient."""

    KNOWN = "known"
    NEW = "new"
    EITHER = "either"


def create_patient(
    *,
    actor: Actor,
    code: str = "",
    sex: str = Sex.UNKNOWN,
    birth_year: int | None = None,
    once: uuid.UUID | None = None,
) -> Patient:
    """Create a patient in the actor's clinic; without ``code`` one is generated. Sent twice (``once``) it is one.

    Raises ``ValidationError`` by field.
    """
    policies.require(policies.may_upload(actor))
    public_id = row_id(once, actor, code, sex, birth_year)
    with transaction.atomic():
        lock_clinic(actor.clinic)
        known = Patient.objects.filter(public_id=public_id).first()
        if known is not None:
            return known
        return add_patient(actor=actor, code=code, sex=sex, birth_year=birth_year, public_id=public_id)


def add_patient(
    *,
    actor: Actor,
    code: str,
    sex: str = Sex.UNKNOWN,
    birth_year: int | None = None,
    public_id: uuid.UUID | None = None,
    is_unused: bool = False,
) -> Patient:
    """Write a patient; call with the clinic locked, and say where the code was just found to be unused.

    Raises ``ValidationError`` by field.
    """
    patient = Patient(
        public_id=public_id or uuid.uuid4(),
        clinic=actor.clinic,
        sex=sex,
        birth_year=birth_year,
        created_by=actor.user,
    )
    _set_code(patient, code if code.strip() else _generate_code(actor.clinic))
    _check_patient(patient)
    if code.strip() and not is_unused:
        _require_unused_code(patient)
    patient.save(force_insert=True)
    audit.patient_created(actor=actor, about=patient)
    return patient


def update_patient(*, actor: Actor, patient: Patient, code: str, sex: str, birth_year: int | None) -> Patient:
    """Change a patient's code, sex and year of birth. Raises ``ValidationError`` by field."""
    policies.require(policies.may_upload(actor) and Patient.objects.visible_to(actor).contains(patient))
    with transaction.atomic():
        lock_clinic(actor.clinic)
        stored = Patient.objects.get(pk=patient.pk)
        before = {"code": stored.code, "sex": stored.sex, "birth_year": stored.birth_year}
        stored.sex, stored.birth_year = sex, birth_year
        _set_code(stored, code)
        _check_patient(stored)
        _require_unused_code(stored)
        stored.save(update_fields=[*before, "code_key"])
        changed = names_of_changed(stored, before)
        audit.patient_updated(actor=actor, about=stored, changed=changed)
    return stored


def find_or_create_patient(*, actor: Actor, code: str, expected: Expected) -> tuple[Patient, bool]:
    """Give the clinic's patient of this code, or a new one, and whether it is new; call with the clinic locked.

    Raises ``ValidationError`` at ``patient_code`` where it is not as expected.
    """
    found = require_expected(actor=actor, code=code, expected=expected)
    return (add_patient(actor=actor, code=code, is_unused=True), True) if found is None else (found, False)


def require_expected(*, actor: Actor, code: str, expected: Expected) -> Patient | None:
    """Give the clinic's patient of this code, if there is one; raises as ``find_or_create_patient`` does."""
    if code.strip() and not has_visible_sign(clean_line(code)):
        _refuse_code(_("Give a code that can be read."), "invisible")
    found = find_patient(actor=actor, code=code)
    if found is not None and expected == Expected.NEW:
        audit.patient_viewed(actor=actor, about=found, by="code")
        message = _("There is a patient “%(code)s” already: untick “New patient”, or give another code.")
        _refuse_code(message, "known_patient", code=found.code)
    if found is None and expected == Expected.KNOWN:
        if not fold_line(code):
            _refuse_code(_("Give the code of a patient, or say that it is a new one."), "new_patient")
        message = _("No patient of this clinic has the code “%(code)s”.")
        alike = find_look_alikes(actor, code)
        if alike:
            audit.patients_listed(actor=actor, shown=alike, by="code")
            message += " " + _("A code that looks alike: “%(alike)s”.")
        _refuse_code(message, "unknown_patient", code=clean_line(code), alike=", ".join(other.code for other in alike))
    return found


def find_patient(*, actor: Actor, code: str) -> Patient | None:
    """Give the clinic's patient of this code, whatever its case and encoding; of nothing that can be seen, none.

    The code of one who was merged finds the one who was kept.
    """
    key = fold_line(code)
    rows = Patient.objects.visible_to(actor).filter(code_key=key).select_related("clinic", "merged_into__clinic")
    found = rows.first() if key else None
    while found is not None and found.merged_into is not None:
        found = found.merged_into
    return found


def require_in_place(patient: Patient) -> None:
    """Refuse to add to a patient who was merged into another; call with the clinic locked.

    Raises ``ValidationError`` at ``patient``.
    """
    into = Patient.objects.filter(merged=patient.pk).first()
    if into is not None:
        message = _("This patient was merged into patient %(code)s; choose that one.")
        raise ValidationError({"patient": ValidationError(message % {"code": into.code}, code="merged")})


def _refuse_code(message: str, problem: str, **named: str) -> NoReturn:
    raise ValidationError({"patient_code": ValidationError(message % named, code=problem)})


def _set_code(patient: Patient, code: str) -> None:
    patient.code, patient.code_key = clean_line(code), fold_line(code)


def _generate_code(clinic: Clinic) -> str:
    while True:
        code = "P-" + "".join(secrets.choice(GENERATED_ALPHABET) for _place in range(GENERATED_LENGTH))
        if not Patient.objects.filter(clinic=clinic, code_key=fold_line(code)).exists():
            return code


def _check_patient(patient: Patient) -> None:
    """Check what the fields alone can tell."""
    patient.clean_fields(exclude=["clinic", "merged_into", "created_by", "code_key"])
    if not has_visible_sign(patient.code):
        raise ValidationError({"code": ValidationError(_("Give a code that can be read."), code="invisible")})
    if len(patient.code_key) > CODE_KEY_LENGTH:
        raise ValidationError({"code": too_long(CODE_LENGTH)})
    this_year = timezone.localdate(timezone=patient.clinic.zone).year
    if patient.birth_year is not None and not FIRST_BIRTH_YEAR <= patient.birth_year <= this_year:
        message = _("Give a year from %(first)s to %(last)s.") % {"first": FIRST_BIRTH_YEAR, "last": this_year}
        raise ValidationError({"birth_year": ValidationError(message, code="out_of_range")})


def _require_unused_code(patient: Patient) -> None:
    others = Patient.objects.filter(clinic=patient.clinic, code_key=patient.code_key).exclude(pk=patient.pk)
    if others.exists():
        message = _("Another patient of this clinic has this code.")
        raise ValidationError({"code": ValidationError(message, code="unique")})
