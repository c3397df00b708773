"""Patients and lesions."""

import secrets
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from classifier import policies
from classifier.models import BodySite, Lesion, Patient, Sex
from classifier.text import clean_line, fold_line
from skinsite.accounts.models import Clinic, Membership
from skinsite.audit.services import record_change

GENERATED_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that reads like another
GENERATED_LENGTH = 6
FIRST_BIRTH_YEAR = 1900


def create_patient(
    *, actor: Membership, code: str = "", sex: str = Sex.UNKNOWN, birth_year: int | None = None
) -> Patient:
    """Create a patient in the actor's clinic; without ``code`` one is generated.

    Raises ``ValidationError`` by field.
    """
    policies.require(policies.may_upload(actor))
    with transaction.atomic():
        lock_clinic(actor.clinic)
        patient = Patient(clinic=actor.clinic, sex=sex, birth_year=birth_year, created_by=actor.user)
        _set_code(patient, code if fold_line(code) else _generate_code(actor.clinic))
        _check_patient(patient)
        patient.save()
        record_change(actor=actor, action="patient.created", obj=patient, clinic=actor.clinic)
    return patient


def update_patient(*, actor: Membership, patient: Patient, code: str, sex: str, birth_year: int | None) -> Patient:
    """Change a patient's code, sex and year of birth. Raises ``ValidationError`` by field."""
    policies.require(policies.may_upload(actor) and Patient.objects.visible_to(actor).contains(patient))
    with transaction.atomic():
        lock_clinic(actor.clinic)
        stored = Patient.objects.get(pk=patient.pk)
        before = {"code": stored.code, "sex": stored.sex, "birth_year": stored.birth_year}
        stored.sex, stored.birth_year = sex, birth_year
        _set_code(stored, code)
        _check_patient(stored)
        stored.save(update_fields=[*before, "code_key"])
        changed = _names_of_changed(stored, before)
        record_change(actor=actor, action="patient.updated", obj=stored, clinic=actor.clinic, changed=changed)
    return stored


def create_lesion(*, actor: Membership, patient: Patient, body_site: str = "", label: str = "") -> Lesion:
    """Create a lesion of a patient of the actor's clinic. Raises ``ValidationError`` by field."""
    policies.require(policies.may_upload(actor) and Patient.objects.visible_to(actor).contains(patient))
    lesion = Lesion(
        patient=patient, body_site=body_site or BodySite.UNKNOWN, label=clean_line(label), created_by=actor.user
    )
    lesion.clean_fields(exclude=["patient", "created_by"])
    with transaction.atomic():
        lesion.save()
        record_change(actor=actor, action="lesion.created", obj=lesion, clinic=actor.clinic)
    return lesion


def update_lesion(*, actor: Membership, lesion: Lesion, body_site: str, label: str) -> Lesion:
    """Change where a lesion is said to be, and its label. Raises ``ValidationError`` by field."""
    policies.require(policies.may_upload(actor) and Lesion.objects.visible_to(actor).contains(lesion))
    with transaction.atomic():
        stored = Lesion.objects.select_for_update().get(pk=lesion.pk)
        before = {"body_site": stored.body_site, "label": stored.label}
        stored.body_site, stored.label = body_site or BodySite.UNKNOWN, clean_line(label)
        stored.clean_fields(exclude=["patient", "created_by"])
        stored.save(update_fields=list(before))
        changed = _names_of_changed(stored, before)
        record_change(actor=actor, action="lesion.updated", obj=stored, clinic=actor.clinic, changed=changed)
    return stored


def lock_clinic(clinic: Clinic) -> None:
    """Hold back every other writer of the clinic's records until the transaction ends.

    On PostgreSQL by the clinic's row; SQLite has one writer at a time anyway.
    """
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)


def find_or_create_patient(*, actor: Membership, code: str) -> Patient:
    """Give the clinic's patient of this code, whatever its case, or a new one; call with the clinic locked."""
    return find_patient(actor=actor, code=code) or create_patient(actor=actor, code=code)


def find_patient(*, actor: Membership, code: str) -> Patient | None:
    """Give the clinic's patient of this code, whatever its case."""
    return Patient.objects.visible_to(actor).filter(code_key=fold_line(code)).first()


def _set_code(patient: Patient, code: str) -> None:
    patient.code, patient.code_key = clean_line(code), fold_line(code)


def _names_of_changed(stored: Patient | Lesion, before: Mapping[str, object]) -> list[str]:
    """For the audit trail, which is never cleared: which fields, and not what stood in them."""
    return [name for name, value in before.items() if getattr(stored, name) != value]


def _generate_code(clinic: Clinic) -> str:
    while True:
        code = "P-" + "".join(secrets.choice(GENERATED_ALPHABET) for _place in range(GENERATED_LENGTH))
        if not Patient.objects.filter(clinic=clinic, code_key=fold_line(code)).exists():
            return code


def _check_patient(patient: Patient) -> None:
    """Check the fields, then what only the clinic's other patients can tell."""
    patient.clean_fields(exclude=["clinic", "created_by", "code_key"])
    this_year = timezone.now().year
    if patient.birth_year is not None and not FIRST_BIRTH_YEAR <= patient.birth_year <= this_year:
        message = _("Give a year from %(first)s to %(last)s.") % {"first": FIRST_BIRTH_YEAR, "last": this_year}
        raise ValidationError({"birth_year": ValidationError(message, code="out_of_range")})
    others = Patient.objects.filter(clinic=patient.clinic, code_key=patient.code_key).exclude(pk=patient.pk)
    if others.exists():
        message = _("Another patient of this clinic has this code.")
        raise ValidationError({"code": ValidationError(message, code="unique")})
