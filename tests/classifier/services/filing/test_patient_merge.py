"""Patients who were two and are one, and were two after all."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from classifier.models import LesionImage, LesionReading, Patient, PatientMerge, RiskFactor, Task, Visit
from classifier.services.filing.lesion_merge import merge_lesions
from classifier.services.filing.patient_merge import merge_patients
from classifier.services.filing.patient_parting import undo_patient_merge
from classifier.services.filing.split import split_lesion
from classifier.services.intake import receive_upload
from classifier.services.lesions import create_lesion
from classifier.services.patients import create_patient, find_patient
from classifier.services.shown import note_shown
from classifier.services.upload import Upload
from classifier.services.visits import create_visit
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from skinsite.platform.problems import WrongStateError
from tests import factories
from tests.classifier.services.filing.conftest import HIGH, add_lesion, photograph_at

pytestmark = pytest.mark.usefixtures("active_model")


@pytest.fixture
def other(owner: Membership) -> Patient:
    """Another patient of the clinic's, with the lesions 1 to 3."""
    made = create_patient(actor=owner, code="2024-7-bis")
    for _lesion in range(3):
        add_lesion(owner, made)
    return made


def lesions_of(patient: Patient) -> dict[int, list[str]]:
    """The former numbers of a patient's lesions, by the number of each."""
    return {each.number: [str(alias) for alias in each.aliases.all()] for each in patient.lesions.order_by("number")}


def placed(image: LesionImage) -> tuple[Patient, Patient]:
    """Whose lesion and whose visit a photograph is of: always the same patient's."""
    image.refresh_from_db()
    return image.examination.lesion.patient, image.examination.visit.patient


def test_lesions_visits_and_risks_are_of_the_one_who_is_kept(
    owner: Membership, patient: Patient, other: Patient
) -> None:
    add_lesion(owner, patient)
    factories.VisitFactory.create(patient=patient)
    image = photograph_at(factories.VisitFactory.create(patient=other), other.lesions.get(number=1))
    for who, value, day in ((patient, "II", date(2024, 1, 1)), (other, "III", date(2025, 1, 1))):
        RiskFactor.objects.create(patient=who, kind="skin_type", value=value, known_on=day)

    merge = merge_patients(actor=owner, kept=patient, merged=other, reason="one person")

    code = other.code
    assert lesions_of(patient) == {1: [], 2: [f"{code} L2"], 3: [f"{code} L3"], 4: [f"{code} L1"]}
    assert placed(image) == (patient, patient)
    assert patient.visits.count() == 2
    assert [each.value for each in RiskFactor.objects.all().of_patient(patient)] == ["III", "II"]
    assert add_lesion(owner, patient).number == 5
    assert find_patient(actor=owner, code=code) == patient
    other.refresh_from_db()
    assert (other.merged_into, merge.reason) == (patient, "one person")
    assert AuditEvent.objects.filter(action="patient.merged", object_id=str(patient.public_id)).count() == 1


def test_undone_it_moves_back_exactly_that_and_what_came_since_stays(
    owner: Membership, patient: Patient, other: Patient
) -> None:
    own = add_lesion(owner, patient)
    visit = factories.VisitFactory.create(patient=other, day=date(2025, 5, 12))
    first, second = other.lesions.order_by("number")[:2]
    goes = [photograph_at(visit, first, "suspicious", HIGH), photograph_at(visit, first), photograph_at(visit, second)]
    merge = merge_patients(actor=owner, kept=patient, merged=other, reason="one person")
    first.refresh_from_db()
    later = factories.VisitFactory.create(patient=patient, day=date(2025, 6, 1))
    visit.refresh_from_db()
    stays = [photograph_at(visit, first), photograph_at(later, first), photograph_at(visit, own)]
    split = split_lesion(actor=owner, lesion=first, images=[goes[1]], reason="two moles")

    undo_patient_merge(actor=owner, merge=merge, reason="two people")

    assert [placed(each) for each in goes] == 3 * [(other, other)]
    assert [placed(each) for each in stays] == 3 * [(patient, patient)]
    assert {each.examination.visit.day for each in stays} == {date(2025, 5, 12), date(2025, 6, 1)}
    assert sorted(other.lesions.values_list("number", flat=True)) == [1, 2, 3, 4]
    split.refresh_from_db()
    assert (split.patient, split.number) == (other, 4)
    assert stays[0].examination.lesion == stays[1].examination.lesion != first
    assert lesions_of(other)[1] == [f"{patient.code} L4"]
    held = LesionReading.objects.in_force().filter(examination__lesion=first)
    assert [(each.outcome, len(each.inputs)) for each in held] == [("suspicious", 1)]
    other.refresh_from_db()
    assert other.merged_into is None
    assert find_patient(actor=owner, code=other.code) == other
    with pytest.raises(WrongStateError) as refusal:
        undo_patient_merge(actor=owner, merge=merge, reason="again")
    assert refusal.value.problem().status == 409


def test_what_cannot_be_told_apart_is_not_parted(owner: Membership, patient: Patient, other: Patient) -> None:
    own = add_lesion(owner, patient)
    merge = merge_patients(actor=owner, kept=patient, merged=other, reason="one person")
    merge_lesions(actor=owner, kept=own, merged=other.lesions.model.objects.get(number=2), reason="one mole")
    with pytest.raises(WrongStateError) as refusal:
        undo_patient_merge(actor=owner, merge=merge, reason="two people")
    assert refusal.value.code == "lesions_merged_since"

    third = create_patient(actor=owner, code="a third")
    merge_patients(actor=owner, kept=third, merged=patient, reason="one person")
    with pytest.raises(WrongStateError) as refusal:
        undo_patient_merge(actor=owner, merge=merge, reason="two people")
    assert refusal.value.code == "merged_since"
    assert find_patient(actor=owner, code=other.code) == third


@pytest.mark.parametrize("case", ["itself", "stranger", "merged_already", "external_id"])
def test_who_cannot_be_one_patient_is_refused_at_the_field(
    case: str, owner: Membership, stranger: Membership, patient: Patient, other: Patient
) -> None:
    merged, code = other, case
    if case == "itself":
        merged, code = patient, "same"
    elif case == "stranger":
        merged, code = factories.PatientFactory.create(clinic=stranger.clinic), "does_not_exist"
    elif case == "merged_already":
        merge_patients(actor=owner, kept=create_patient(actor=owner), merged=other, reason="one person")
    else:
        for who in (patient, other):
            factories.VisitFactory.create(patient=who, external_id="V1")
    count = PatientMerge.objects.count()
    with pytest.raises(ValidationError) as refusal:
        merge_patients(actor=owner, kept=patient, merged=merged, reason="one person")
    assert refusal.value.error_dict["merged"][0].code == code
    assert PatientMerge.objects.count() == count


def test_a_stranger_merges_and_parts_nobody(
    owner: Membership, stranger: Membership, colleague: Membership, patient: Patient, other: Patient
) -> None:
    image = photograph_at(factories.VisitFactory.create(patient=other), other.lesions.get(number=1))
    note_shown(actor=colleague, shown=[image.predictions.get()])
    with pytest.raises(PermissionDenied):
        merge_patients(actor=stranger, kept=patient, merged=other, reason="one")
    merge = merge_patients(actor=colleague, kept=patient, merged=other, reason="one person")
    with pytest.raises(PermissionDenied):
        undo_patient_merge(actor=stranger, merge=merge, reason="two")
    assert (list(PatientMerge.objects.visible_to(owner)), list(PatientMerge.objects.visible_to(stranger))) == (
        [merge],
        [],
    )
    task = Task.objects.get()
    assert (task.person, task.patient, task.because) == (colleague.user, other, "one person")


def test_nothing_is_added_to_who_was_merged(
    owner: Membership, patient: Patient, other: Patient, photograph: bytes
) -> None:
    visit = create_visit(actor=owner, patient=other, said={})
    merge_patients(actor=owner, kept=patient, merged=other, reason="one person")
    for add in (
        lambda: create_lesion(actor=owner, patient=other),
        lambda: create_visit(actor=owner, patient=other, said={}),
    ):
        with pytest.raises(ValidationError) as refusal:
            add()
        assert refusal.value.error_dict["patient"][0].code == "merged"
    made = receive_upload(actor=owner, upload=Upload(data=photograph, patient_code=other.code)).prediction
    again = receive_upload(actor=owner, upload=Upload(data=photograph, patient_code=other.code))
    assert (made.image.lesion.patient, made.image.examination.visit) == (patient, Visit.objects.get(pk=visit.pk))
    assert (again.created, again.prediction) == (False, made)
