"""Corrections put right what is recorded, and change no reading."""

from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from classifier.models import Examination, ImageCorrection, LesionImage, ModelVersion, Prediction
from classifier.selectors.history import history
from classifier.selectors.reading import reading_detail
from classifier.services.corrections.declaration import correct_declared, correct_modality
from classifier.services.corrections.entered_in_error import mark_entered_in_error
from classifier.services.corrections.move import move_image
from classifier.services.intake import receive_upload
from classifier.services.readings import states
from classifier.services.readings.queue import queue_prediction
from classifier.services.registry import register_model
from classifier.services.upload import Upload
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests.factories import DonePredictionFactory, LesionFactory, PredictionFactory

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture
def reading(owner: Membership, photograph: bytes, active_model: ModelVersion) -> Prediction:
    """A finished reading of a photograph said to be dermoscopic."""
    return receive_upload(actor=owner, upload=Upload(data=photograph)).prediction


def test_a_moved_photograph_takes_its_readings_along(reading: Prediction, colleague: Membership) -> None:
    image, before = reading.image, reading.image.lesion
    lesion = LesionFactory.create(patient__clinic=colleague.clinic)

    move_image(actor=colleague, image=image, lesion=lesion, reason="  It is the other\nmole ")

    image.refresh_from_db()
    correction = image.corrections.get()
    assert image.lesion == lesion
    assert (correction.before, correction.after) == (str(before.public_id), str(lesion.public_id))
    assert (correction.reason, correction.made_by) == ("It is the other mole", colleague.user)
    assert AuditEvent.objects.filter(action="image.moved", object_id=str(image.public_id)).count() == 1


def test_a_photograph_does_not_move_to_another_clinic(
    reading: Prediction, owner: Membership, stranger: Membership
) -> None:
    theirs = LesionFactory.create(patient__clinic=stranger.clinic)

    with pytest.raises(ValidationError) as refusal:
        move_image(actor=owner, image=reading.image, lesion=theirs, reason="Wrong lesion")

    assert refusal.value.error_dict["lesion"][0].code == "does_not_exist"
    assert not LesionImage.objects.of_lesion(theirs).exists()


def test_a_photograph_does_not_move_to_where_the_same_one_is(
    reading: Prediction, owner: Membership, photograph: bytes
) -> None:
    lesion = LesionFactory.create(patient__clinic=owner.clinic)
    receive_upload(actor=owner, upload=Upload(data=photograph, lesion=lesion, attach_anyway=True))
    before = reading.image.lesion

    with pytest.raises(ValidationError) as refusal:
        move_image(actor=owner, image=reading.image, lesion=lesion, reason="Wrong lesion")

    assert refusal.value.error_dict["lesion"][0].code == "same"
    assert reading.image.lesion == before
    assert not ImageCorrection.objects.exists()


def test_a_photograph_entered_in_error_stays_on_record_and_leaves_the_lists(
    reading: Prediction, owner: Membership
) -> None:
    mark_entered_in_error(actor=owner, image=reading.image, reason="A photograph of the floor")

    assert not history(owner).exists()
    assert history(owner, standing="entered_in_error").get() == reading
    with pytest.raises(ValidationError):
        mark_entered_in_error(actor=owner, image=reading.image, reason="Twice")
    assert reading.image.corrections.count() == 1


def test_a_photograph_found_to_be_clinical_gets_a_new_reading_and_keeps_the_old_one(
    reading: Prediction, owner: Membership
) -> None:
    outcome = reading.outcome

    new = correct_modality(actor=owner, image=reading.image, modality="clinical", reason="No dermatoscope was used")

    reading.refresh_from_db()
    assert (new.status, new.outcome, new.reason) == ("done", "not_assessable", "clinical_photograph")
    assert (reading.status, reading.outcome, reading.modality) == ("done", outcome, "dermoscopic")
    assert reading.image.modality == "clinical"


def test_a_photograph_found_to_be_dermoscopic_is_read(
    owner: Membership, photograph: bytes, active_model: ModelVersion
) -> None:
    image = receive_upload(actor=owner, upload=Upload(data=photograph, modality="clinical")).prediction.image

    new = correct_modality(actor=owner, image=image, modality="dermoscopic", reason="It was taken with a dermatoscope")

    assert (new.status, new.model_version) == ("done", active_model)
    assert new.probabilities is not None


def test_correcting_there_and_back_gives_the_first_reading_again(reading: Prediction, owner: Membership) -> None:
    clinical = correct_modality(actor=owner, image=reading.image, modality="clinical", reason="Clinical")
    back = correct_modality(actor=owner, image=reading.image, modality="dermoscopic", reason="After all not")
    there = correct_modality(actor=owner, image=reading.image, modality="clinical", reason="After all")

    assert back == reading
    assert there == clinical
    assert reading.image.predictions.count() == 2
    assert reading.image.corrections.count() == 3


def test_the_reading_that_counts_follows_the_corrected_modality(
    reading: Prediction, owner: Membership, photograph: bytes
) -> None:
    def which_count() -> list[int]:
        return list(history(owner).values_list("pk", flat=True))

    assert which_count() == [reading.pk]
    clinical = correct_modality(actor=owner, image=reading.image, modality="clinical", reason="Clinical")
    assert which_count() == [clinical.pk]
    assert reading_detail(owner, reading.public_id).successor == clinical
    assert receive_upload(actor=owner, upload=Upload(data=photograph)).prediction == clinical
    correct_modality(actor=owner, image=reading.image, modality="dermoscopic", reason="After all not")

    assert which_count() == [reading.pk]
    assert reading_detail(owner, reading.public_id).successor is None
    assert reading_detail(owner, clinical.public_id).successor == reading
    assert receive_upload(actor=owner, upload=Upload(data=photograph)).prediction == reading


@pytest.mark.parametrize(("reason", "code"), [("", "required"), (" \n\t", "required"), ("x" * 501, "max_length")])
def test_a_correction_needs_a_reason(reading: Prediction, owner: Membership, reason: str, code: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        correct_modality(actor=owner, image=reading.image, modality="clinical", reason=reason)

    assert refusal.value.error_dict["reason"][0].code == code
    reading.image.refresh_from_db()
    assert reading.image.modality == "dermoscopic"


def test_a_stranger_corrects_nothing(reading: Prediction, stranger: Membership) -> None:
    lesion = LesionFactory.create(patient__clinic=stranger.clinic)
    with pytest.raises(PermissionDenied):
        move_image(actor=stranger, image=reading.image, lesion=lesion, reason="Mine")
    with pytest.raises(PermissionDenied):
        mark_entered_in_error(actor=stranger, image=reading.image, reason="Away")
    with pytest.raises(PermissionDenied):
        correct_modality(actor=stranger, image=reading.image, modality="clinical", reason="Because")

    assert not ImageCorrection.objects.exists()


def test_a_photograph_moved_while_it_is_read_counts_where_it_is_when_that_ends(owner: Membership) -> None:
    waiting = PredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    as_the_worker_has_it = states.load(waiting.pk)
    there = DonePredictionFactory.create(image__lesion__patient=waiting.image.lesion.patient).image.examination
    Examination.objects.filter(pk=there.pk).update(visit=waiting.image.examination.visit)

    move_image(actor=owner, image=waiting.image, lesion=there.lesion, reason="The other mole")
    assert states.fail(as_the_worker_has_it, "stored_image_missing")

    there.refresh_from_db()
    assert there.reading is not None
    assert len(there.reading.inputs) == 2


def test_two_people_do_not_correct_over_each_other(reading: Prediction, owner: Membership) -> None:
    seen_before = Prediction.objects.select_related("image__examination__lesion__patient").get(pk=reading.pk).image
    move_image(
        actor=owner,
        image=reading.image,
        lesion=LesionFactory.create(patient__clinic=owner.clinic),
        reason="The other mole",
    )

    with pytest.raises(ValidationError) as refusal:
        move_image(
            actor=owner,
            image=seen_before,
            lesion=LesionFactory.create(patient__clinic=owner.clinic),
            reason="A third mole",
        )

    assert refusal.value.code == "changed_meanwhile"
    assert reading.image.corrections.count() == 1


def test_a_refused_move_to_a_new_lesion_leaves_no_lesion_behind(reading: Prediction, owner: Membership) -> None:
    image = reading.image
    mark_entered_in_error(actor=owner, image=image, reason="Not a lesion")

    with pytest.raises(ValidationError):
        move_image(actor=owner, image=image, patient_code=image.lesion.patient.code, reason="Another mole")
    with pytest.raises(ValidationError) as refusal:
        move_image(actor=owner, image=image, patient_code="nobody", reason="Another mole")

    assert list(refusal.value.error_dict) == ["patient_code"]
    assert image.lesion.patient.lesions.count() == 1


def test_a_declaration_put_right_gets_a_new_reading_and_the_first_stays(reading: Prediction, owner: Membership) -> None:
    outcome = reading.outcome

    new = correct_declared(actor=owner, image=reading.image, declared=["ulcer", "nail"], reason="It is a nail")

    reading.refresh_from_db()
    assert (new.outcome, new.reason, new.declared) == ("not_assessable", "nail", "nail,ulcer")
    assert (reading.outcome, reading.declared) == (outcome, "")
    correction = reading.image.corrections.get()
    assert (correction.kind, correction.before, correction.after) == ("declared", "", "nail,ulcer")
    assert reading_detail(owner, reading.public_id).successor == new
    assert list(history(owner)) == [new]
    assert list(history(owner, standing="superseded")) == [reading]


def test_a_declaration_taken_back_gives_the_first_reading_again(reading: Prediction, owner: Membership) -> None:
    nail = correct_declared(actor=owner, image=reading.image, declared=["nail"], reason="Nail")
    back = correct_declared(actor=owner, image=reading.image, declared=[], reason="After all not")

    assert back == reading
    assert reading_detail(owner, reading.public_id).successor is None
    assert reading_detail(owner, nail.public_id).successor == reading
    assert list(history(owner)) == [reading]
    assert list(history(owner, standing="superseded")) == [nail]


def test_another_model_answers_what_is_declared_as_the_one_before_did(
    owner: Membership, photograph: bytes, active_model: ModelVersion, bundle_with_cases: Path
) -> None:
    first = receive_upload(actor=owner, upload=Upload(data=photograph, declared=["eyelid"])).prediction
    register_model(path=bundle_with_cases, activate=True)

    again = queue_prediction(actor=owner, image=first.image)

    assert again != first
    assert (again.outcome, again.reason) == (first.outcome, first.reason) == ("not_assessable", "eyelid")


@pytest.mark.parametrize(("declared", "code"), [(["beard"], "invalid_choice"), ([], "unchanged")])
def test_a_declaration_that_cannot_be_corrected_says_why(
    declared: list[str], code: str, reading: Prediction, owner: Membership
) -> None:
    with pytest.raises(ValidationError) as refusal:
        correct_declared(actor=owner, image=reading.image, declared=declared, reason="Why")

    assert refusal.value.error_dict["declared"][0].code == code


def test_a_stranger_corrects_no_declaration(reading: Prediction, stranger: Membership) -> None:
    with pytest.raises(PermissionDenied):
        correct_declared(actor=stranger, image=reading.image, declared=["nail"], reason="Why")
