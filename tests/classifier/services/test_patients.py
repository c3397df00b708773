"""Patients are created, found and changed by members of their clinic, on record."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from classifier.models import Lesion, Patient
from classifier.services.lesions import create_lesion, update_lesion
from classifier.services.patients import create_patient, find_patient, update_patient
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests.factories import LesionFactory, PatientFactory


def test_a_patient_is_created_and_changed_on_record(owner: Membership, colleague: Membership) -> None:
    patient = create_patient(actor=owner, code="  A\u202e-17 ", sex="female", birth_year=1970)
    changed = update_patient(actor=colleague, patient=patient, code="A-18", sex="unknown", birth_year=None)

    assert (patient.code, patient.clinic, patient.created_by) == ("A-17", owner.clinic, owner.user)
    assert (changed.code, changed.sex, changed.birth_year) == ("A-18", "unknown", None)
    events = AuditEvent.objects.filter(object_id=str(patient.public_id)).order_by("pk")
    assert [(event.action, event.actor) for event in events] == [
        ("patient.created", owner.user),
        ("patient.updated", colleague.user),
    ]
    assert events[1].details == {"changed": ["code", "sex", "birth_year"]}


def test_a_code_is_one_whatever_its_case_in_every_alphabet(owner: Membership) -> None:
    patient = create_patient(actor=owner, code="Ключ-17")

    assert find_patient(actor=owner, code=" кЛЮЧ-17\x00") == patient
    with pytest.raises(ValidationError) as refusal:
        create_patient(actor=owner, code="КЛЮЧ-17")
    assert list(refusal.value.error_dict) == ["code"]
    with pytest.raises(IntegrityError), transaction.atomic():
        PatientFactory.create(clinic=owner.clinic, code="ключ-17")


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("code", {"code": "taken"}),
        ("code", {"code": "TAKEN"}),
        ("code", {"code": "x" * 41}),
        ("sex", {"code": "B", "sex": "robot"}),
        ("birth_year", {"code": "B", "birth_year": 1899}),
        ("birth_year", {"code": "B", "birth_year": 3000}),
    ],
)
def test_a_patients_invalid_field_is_named(owner: Membership, field: str, arguments: dict[str, str]) -> None:
    PatientFactory.create(clinic=owner.clinic, code="taken")

    with pytest.raises(ValidationError) as refusal:
        create_patient(actor=owner, **arguments)  # type: ignore[arg-type] # one of them is a number

    assert list(refusal.value.error_dict) == [field]
    assert Patient.objects.count() == 1


def test_another_clinic_may_use_the_same_code(owner: Membership, stranger: Membership) -> None:
    PatientFactory.create(clinic=stranger.clinic, code="A-1")

    assert create_patient(actor=owner, code="A-1").clinic == owner.clinic


def test_a_stranger_changes_nothing(owner: Membership, stranger: Membership) -> None:
    lesion = LesionFactory.create(patient__clinic=owner.clinic)

    with pytest.raises(PermissionDenied):
        update_patient(actor=stranger, patient=lesion.patient, code="mine", sex="male", birth_year=None)
    with pytest.raises(PermissionDenied):
        create_lesion(actor=stranger, patient=lesion.patient)
    with pytest.raises(PermissionDenied):
        update_lesion(actor=stranger, lesion=lesion, place=None, label="mine")

    lesion.refresh_from_db()
    assert lesion.body_site == "back"
    assert Lesion.objects.count() == 1


@pytest.mark.parametrize(
    ("kept", "typed"),
    [("Ключ-й", "ключ-и\u0306"), ("Ёж-1", "е\u0308ж-1"), ("P-10", "Ｐ\u2013１０"), ("Voß-12", "VOẞ\u00ad-12")],
)
def test_a_code_is_one_whatever_its_encoding(owner: Membership, kept: str, typed: str) -> None:
    patient = create_patient(actor=owner, code=kept)

    assert find_patient(actor=owner, code=typed) == patient
    with pytest.raises(ValidationError) as refusal:
        create_patient(actor=owner, code=typed)
    assert list(refusal.value.error_dict) == ["code"]


def test_ss_is_no_eszett_and_a_cyrillic_letter_no_latin_one(owner: Membership) -> None:
    codes = ["Voß-12", "Voss-12", "P-1024", "Р-1024", "Istanbul-1", "ıstanbul-1", "İstanbul-1"]

    patients = {create_patient(actor=owner, code=code).pk for code in codes}

    assert len(patients) == len(codes)


def test_a_code_whose_key_is_too_long_is_refused(owner: Membership) -> None:
    with pytest.raises(ValidationError) as refusal:
        create_patient(actor=owner, code="Ⅷ" * 40)

    assert list(refusal.value.error_dict) == ["code"]
