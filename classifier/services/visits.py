"""Visits of a clinic's patients, and the examinations of their lesions at them."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from classifier import audit, policies
from classifier.models import Examination, Lesion, Patient, Visit
from classifier.models.examination import HISTORY, SIGNS
from classifier.services import lesions
from classifier.services.external_ids import require_unused
from classifier.services.locks import lock_clinic
from classifier.services.patients import require_in_place
from skinsite.accounts.actors import Actor
from skinsite.audit.events import names_of_changed
from skinsite.idempotency import row_id
from skinsite.text import clean_line

SAID_OF_A_VISIT = ("day", "purpose", "indication", "scope", "seen", "photographed_by", "external_id")
SAID_OF_A_LESION = (*HISTORY, *SIGNS, "diameter_mm")
REFERENCES = ["patient", "visit", "lesion", "reading", "created_by", "created_by_service"]


def create_visit(*, actor: Actor, patient: Patient, said: Mapping[str, Any], once: uuid.UUID | None = None) -> Visit:
    """Create a visit of a patient of the actor's clinic; sent twice (``once``) it is one.

    ``said`` are fields of ``SAID_OF_A_VISIT``. Raises ``ValidationError`` by field.
    """
    policies.require(policies.may_upload(actor) and Patient.objects.visible_to(actor).contains(patient))
    public_id = row_id(once, actor, patient.pk, sorted(said.items()))
    with transaction.atomic():
        lock_clinic(actor.clinic)
        known = Visit.objects.filter(public_id=public_id).first()
        if known is not None:
            return known
        require_in_place(patient)
        return _add_visit(actor=actor, patient=patient, said=said, public_id=public_id)


def update_visit(*, actor: Actor, visit: Visit, said: Mapping[str, Any]) -> Visit:
    """Change what is said of a visit, by fields of ``SAID_OF_A_VISIT``; what belongs to it stays. Raises
    ``ValidationError`` by field."""
    policies.require(policies.may_upload(actor) and Visit.objects.visible_to(actor).contains(visit))
    with transaction.atomic():
        lock_clinic(actor.clinic)
        stored = Visit.objects.select_for_update(of=("self",)).select_related("patient__clinic").get(pk=visit.pk)
        before = {name: getattr(stored, name) for name in said}
        _say(stored, said)
        _check_visit(stored)
        stored.save(update_fields=list(before))
        audit.visit_updated(actor=actor, about=stored, changed=names_of_changed(stored, before))
    return stored


def create_examination(*, actor: Actor, visit: Visit, lesion: Lesion, said: Mapping[str, Any]) -> Examination:
    """Look at a lesion at a visit, perhaps without a photograph yet; ``said`` are fields of ``SAID_OF_A_LESION``.

    Raises ``ValidationError`` by field, also where the visit has an examination of the lesion already.
    """
    may_see = Visit.objects.visible_to(actor).contains(visit) and Lesion.objects.visible_to(actor).contains(lesion)
    policies.require(policies.may_upload(actor) and may_see)
    with transaction.atomic():
        lock_clinic(actor.clinic)
        lesion = lesions.as_it_is(lesion, field="lesion")
        held = as_it_is(visit, patient=lesion.patient)
        if Examination.objects.filter(visit=held, lesion=lesion).exists():
            message = _("This visit has an examination of this lesion already.")
            raise ValidationError({"lesion": ValidationError(message, code="unique")})
        made = Examination(visit=held, lesion=lesion, created_by=actor.user, created_by_service=actor.service)
        _say(made, said)
        made.clean_fields(exclude=REFERENCES)
        made.save(force_insert=True)
        audit.examination_created(actor=actor, about=made)
    return made


def update_examination(*, actor: Actor, examination: Examination, said: Mapping[str, Any]) -> Examination:
    """Change what is said of a lesion at a visit, by fields of ``SAID_OF_A_LESION``. Raises ``ValidationError`` by
    field."""
    policies.require(policies.may_upload(actor) and Examination.objects.visible_to(actor).contains(examination))
    with transaction.atomic():
        rows = Examination.objects.select_for_update(of=("self",)).select_related("visit__patient")
        stored = rows.get(pk=examination.pk)
        before = {name: getattr(stored, name) for name in said}
        _say(stored, said)
        stored.clean_fields(exclude=REFERENCES)
        stored.save(update_fields=list(before))
        audit.examination_updated(actor=actor, about=stored, changed=names_of_changed(stored, before))
    return stored


def find_or_create_visit(*, actor: Actor, patient: Patient, day: date, is_new: bool = False) -> Visit:
    """Give the patient's last visit of that day, or a new one; call with the clinic locked.

    A patient who ``is_new`` has none.
    """
    found = None if is_new else Visit.objects.filter(patient=patient, day=day).order_by("-pk").first()
    if found is None:
        return _add_visit(actor=actor, patient=patient, said={"day": day}, public_id=uuid.uuid4())
    found.patient = patient
    return found


def as_it_is(visit: Visit, *, patient: Patient) -> Visit:
    """Give a visit as it is now; call with the clinic locked.

    Raises ``ValidationError`` at ``visit`` where it is not, or no longer, of the patient.
    """
    held = Visit.objects.select_related("patient__clinic").get(pk=visit.pk)
    if held.patient_id != patient.pk:
        raise ValidationError({"visit": other_patient_error()})
    return held


def other_patient_error() -> ValidationError:
    """What to answer where a visit is named that is of another patient."""
    message = _("This visit is not of that patient; leave it out, or name the patient's lesion or code.")
    return ValidationError(message, code="contradiction")


def find_or_create_examination(*, actor: Actor, visit: Visit, lesion: Lesion, is_new: bool = False) -> Examination:
    """Give the visit's look at the lesion, or a new one; call with the clinic locked.

    A lesion that ``is_new`` has none.
    """
    found = None if is_new else Examination.objects.filter(visit=visit, lesion=lesion).first()
    if found is None:
        found = Examination.objects.create(
            visit=visit, lesion=lesion, created_by=actor.user, created_by_service=actor.service
        )
        audit.examination_created(actor=actor, about=found)
    found.visit, found.lesion = visit, lesion
    return found


def _add_visit(*, actor: Actor, patient: Patient, said: Mapping[str, Any], public_id: uuid.UUID) -> Visit:
    visit = Visit(
        public_id=public_id,
        patient=patient,
        day=timezone.localdate(timezone=actor.clinic.zone),
        created_by=actor.user,
        created_by_service=actor.service,
    )
    _say(visit, said)
    _check_visit(visit)
    visit.save(force_insert=True)
    audit.visit_created(actor=actor, about=visit)
    return visit


def _say(record: Visit | Examination, said: Mapping[str, Any]) -> None:
    """Set the fields; text as one clean line."""
    for name, value in said.items():
        if name not in (*SAID_OF_A_VISIT, *SAID_OF_A_LESION):
            raise TypeError(f"{name} is not said of a {record._meta.verbose_name}.")
        setattr(record, name, clean_line(value) if isinstance(value, str) else value)


def _check_visit(visit: Visit) -> None:
    """Check what the fields alone can tell."""
    visit.clean_fields(exclude=REFERENCES)
    check_day(visit.day, patient=visit.patient, field="day")
    others = Visit.objects.filter(patient__clinic=visit.patient.clinic_id).exclude(pk=visit.pk)
    require_unused(visit.external_id, among=others)


def check_day(day: date, *, patient: Patient, field: str) -> None:
    """Refuse a day that is still to come in the clinic's zone, or before the patient was born, at ``field``."""
    today = timezone.localdate(timezone=patient.clinic.zone)
    if day > today:
        message = _("This day is still to come; give %(today)s or an earlier one.") % {"today": today.isoformat()}
        raise ValidationError({field: ValidationError(message, code="in_the_future")})
    if patient.birth_year is not None and day.year < patient.birth_year:
        message = _("The patient was born in %(year)s; give a later day, or correct the year of birth.")
        raise ValidationError({field: ValidationError(message % {"year": patient.birth_year}, code="before_birth")})
