"""What was taken for one lesion is two."""

import uuid

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from classifier.models import Lesion, LesionReading, Patient, Task
from classifier.services.filing.split import split_lesion
from classifier.services.shown import note_shown
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.services.filing.conftest import HIGH, add_lesion, photograph_at

pytestmark = pytest.mark.usefixtures("active_model")


@pytest.fixture
def lesion(owner: Membership, patient: Patient) -> Lesion:
    """The patient's lesion 1."""
    return add_lesion(owner, patient)


def test_photographs_go_to_a_new_lesion_at_their_own_visits(owner: Membership, lesion: Lesion) -> None:
    visit, later = factories.VisitFactory.create_batch(2, patient=lesion.patient)
    stays = photograph_at(visit, lesion)
    goes = [photograph_at(visit, lesion, "suspicious", HIGH), photograph_at(later, lesion)]
    once = uuid.uuid4()

    made = split_lesion(actor=owner, lesion=lesion, images=goes, reason="two moles", side="right", once=once)
    again = split_lesion(actor=owner, lesion=lesion, images=goes, reason="two moles", side="right", once=once)

    assert (again, made.number, made.side, made.patient) == (made, 2, "right", lesion.patient)
    held = LesionReading.objects.in_force().order_by("examination__lesion", "examination__visit")
    assert [(each.examination.lesion, each.examination.visit, each.outcome) for each in held] == [
        (lesion, visit, "low_risk"),
        (made, visit, "suspicious"),
        (made, later, "low_risk"),
    ]
    assert [each.corrections.get().after for each in goes] == 2 * [str(made.public_id)]
    assert not stays.corrections.exists()
    assert AuditEvent.objects.filter(action="lesion.split", object_id=str(lesion.public_id)).count() == 1


def test_nothing_all_and_what_is_not_the_lesion_s_are_refused(owner: Membership, lesion: Lesion) -> None:
    visit = factories.VisitFactory.create(patient=lesion.patient)
    image, other = photograph_at(visit, lesion), photograph_at(visit, add_lesion(owner, lesion.patient))
    for images, code in (([], "required"), ([image], "all"), ([image, other], "changed_meanwhile")):
        with pytest.raises(ValidationError) as refusal:
            split_lesion(actor=owner, lesion=lesion, images=images, reason="two moles")
        assert refusal.value.error_dict["images"][0].code == code
    assert lesion.patient.lesions.count() == 2


def test_a_stranger_splits_nothing_and_who_had_seen_a_reading_is_told_once(
    owner: Membership, colleague: Membership, stranger: Membership, lesion: Lesion
) -> None:
    visit = factories.VisitFactory.create(patient=lesion.patient)
    images = [photograph_at(visit, lesion) for _photograph in range(3)]
    note_shown(actor=colleague, shown=[images[0].predictions.get()])
    with pytest.raises(PermissionDenied):
        split_lesion(actor=stranger, lesion=lesion, images=images[1:], reason="two moles")
    split_lesion(actor=owner, lesion=lesion, images=images[1:], reason="two moles")
    task = Task.objects.get()
    assert (task.person, task.lesion, task.opened_by) == (colleague.user, lesion, owner.user)
