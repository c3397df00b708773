"""Pages on which filing is put right."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from classifier.models import Lesion, LesionMerge, Patient, PatientMerge, Task
from classifier.services.filing.lesion_merge import merge_lesions
from classifier.services.filing.patient_merge import merge_patients
from classifier.services.lesions import create_lesion
from classifier.services.patients import create_patient
from classifier.services.visits import create_visit
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent, AuditSubject
from tests.clients import page_client, sign_in_on_page


def sign_in(member: Membership) -> Client:
    """A browser of the member's."""
    browser = page_client(member)
    sign_in_on_page(browser, member)
    return browser


@pytest.fixture
def patient(owner: Membership) -> Patient:
    """With the lesions 1 and 2."""
    made = create_patient(actor=owner, code="2024-7")
    for _lesion in range(2):
        create_lesion(actor=owner, patient=made, body_site="back")
    return made


@pytest.fixture
def two(patient: Patient) -> tuple[Lesion, Lesion]:
    """The patient's lesions."""
    first, second = patient.lesions.order_by("number")
    return first, second


def test_a_lesion_is_merged_by_its_number_and_parted_again(owner: Membership, two: tuple[Lesion, Lesion]) -> None:
    browser, (kept, merged) = sign_in(owner), two
    page = reverse("lesion-filing", args=[kept.public_id])
    assert page in browser.get(reverse("lesion", args=[kept.public_id])).content.decode()
    for number, reason in ((1, "one mole"), (7, "one mole"), (2, " ")):
        assert browser.post(page, {"merged": number, "reason": reason}).status_code == 422
    assert not LesionMerge.objects.exists()

    assert browser.post(page, {"merged": 2, "reason": "one mole"}).status_code == 302
    assert "Lesion 2 was merged into this one" in browser.get(page).content.decode()
    there = browser.get(reverse("lesion", args=[merged.public_id])).content.decode()
    assert reverse("lesion", args=[kept.public_id]) in there
    assert (
        reverse("lesion", args=[merged.public_id])
        not in browser.get(reverse("patient", args=[kept.patient.public_id])).content.decode()
    )

    undo = reverse("lesion-merge-undo", args=[LesionMerge.objects.get().public_id])
    assert browser.post(undo, {"reason": ""})["Location"] == page
    assert LesionMerge.objects.get().undone_at is None
    assert browser.post(undo, {"reason": "two"})["Location"] == reverse("lesion", args=[kept.public_id])
    assert LesionMerge.objects.get().undone_by == owner.user


def test_the_other_patient_is_shown_before_two_are_merged(owner: Membership, patient: Patient) -> None:
    browser = sign_in(owner)
    other = create_patient(actor=owner, code="2024-7-bis", sex="female", birth_year=1979)
    create_visit(actor=owner, patient=other, said={"day": date(2025, 5, 12)})
    create_lesion(actor=owner, patient=other)
    page = reverse("patient-filing", args=[patient.public_id])

    question = " ".join(browser.get(page, {"patient_code": "2024-7-BIS"}).content.decode().split())
    assert "Female, born 1979, last seen 12 May 2025, 1 lesion" in question
    seen = AuditEvent.objects.filter(action="patient.viewed").latest("pk")
    assert AuditSubject.objects.filter(event=seen, record_id=str(other.public_id)).exists()
    for code in ("nobody", patient.code):
        assert browser.get(page, {"patient_code": code}).status_code == 422
    assert browser.post(page, {"patient_code": other.code, "reason": ""}).status_code == 422
    assert not PatientMerge.objects.exists()

    assert browser.post(page, {"patient_code": other.code, "reason": "one person"}).status_code == 302
    there = browser.get(reverse("patient", args=[other.public_id])).content.decode()
    assert reverse("patient", args=[patient.public_id]) in there
    listed = browser.get(reverse("patients"), {"q": "2024-7-bis"}).content.decode()
    assert reverse("patient", args=[patient.public_id]) in listed
    assert reverse("patient", args=[other.public_id]) not in listed
    undo = reverse("patient-merge-undo", args=[PatientMerge.objects.get().public_id])
    assert browser.post(undo, {"reason": "two people"}).status_code == 302
    assert PatientMerge.objects.get().undone_reason == "two people"


def test_nobody_else_opens_or_does_any_of_it(
    owner: Membership, stranger: Membership, patient: Patient, two: tuple[Lesion, Lesion]
) -> None:
    other = create_patient(actor=owner, code="another")
    lesions = merge_lesions(actor=owner, kept=two[0], merged=two[1], reason="one")
    patients = merge_patients(actor=owner, kept=patient, merged=other, reason="one")
    task = Task.objects.create(kind="tell_of_wrong_filing", patient=patient, person=owner.user, because="one")
    addresses = [
        reverse(name, args=[record.public_id])
        for name, record in (
            ("lesion-filing", two[0]),
            ("patient-filing", patient),
            ("lesion-merge-undo", lesions),
            ("patient-merge-undo", patients),
            ("task-done", task),
        )
    ]
    browser = sign_in(stranger)
    assert [browser.post(each, {"reason": "theirs"}).status_code for each in addresses] == 5 * [404]
    assert [Client().post(each).status_code for each in addresses] == 5 * [302]
    assert (LesionMerge.objects.get().undone_at, PatientMerge.objects.get().undone_at) == (None, None)


def test_a_task_stands_on_the_home_page_until_it_is_done(
    owner: Membership, colleague: Membership, patient: Patient
) -> None:
    task = Task.objects.create(
        kind="tell_of_wrong_filing", patient=patient, person=owner.user, because="It was the other mole"
    )
    browser, home = sign_in(owner), reverse("home")
    assert "It was the other mole" in browser.get(home).content.decode()
    assert "It was the other mole" not in sign_in(colleague).get(home).content.decode()
    assert browser.post(reverse("task-done", args=[task.public_id]))["Location"] == home
    assert "It was the other mole" not in browser.get(home).content.decode()
    assert Task.objects.get().done_by == owner.user
