"""The reading of a lesion at an examination: its photographs taken together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from classifier.models import Examination, LesionReading, ModelVersion, Outcome, Prediction, Status
from classifier.models.lesion_reading import SHOWN_BEFORE
from classifier.services.corrections.entered_in_error import mark_entered_in_error
from classifier.services.corrections.move import move_image
from classifier.services.intake import receive_upload
from classifier.services.readings import states
from classifier.services.readings.lesion import conclude
from classifier.services.registry import register_model
from classifier.services.shown import note_shown
from classifier.services.upload import Upload
from ml.taxonomy import CLASSES
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.conftest import draw_lesion

LOW = (0.01, 0.93, 0.01, 0.01, 0.02, 0.01, 0.01)
HIGH = (0.80, 0.10, 0.02, 0.02, 0.02, 0.02, 0.02)


@pytest.fixture
def examination(owner: Membership) -> Examination:
    """One of the owner's clinic, without photographs."""
    made: Examination = factories.ExaminationFactory.create(lesion__patient__clinic=owner.clinic)
    return made


def read_as(
    examination: Examination, model: ModelVersion, outcome: str, probabilities: Sequence[float], **fields: Any
) -> Prediction:
    """A photograph of the examination that the model has read so."""
    malignant = sum(probabilities[CLASSES.index(code)] for code in ("MEL", "BCC", "AKIEC"))
    reading: Prediction = factories.DonePredictionFactory.create(
        image=factories.LesionImageFactory.create(examination=examination),
        model_version=model,
        outcome=outcome,
        reason="above_suspicious_threshold" if outcome == Outcome.SUSPICIOUS else "below_low_risk_threshold",
        probabilities=list(probabilities),
        malignant_probability=malignant,
        **fields,
    )
    return reading


def concluded(examination: Examination) -> LesionReading | None:
    """What the photographs now give."""
    with transaction.atomic():
        return conclude(examination)


def test_of_one_photograph_it_is_that_photograph_s_reading(
    owner: Membership, photograph: bytes, active_model: ModelVersion
) -> None:
    alone = receive_upload(actor=owner, upload=Upload(data=photograph)).prediction
    made = LesionReading.objects.get()
    assert made.is_in_force
    assert (made.outcome, made.reason, made.malignant_probability) == (
        alone.outcome,
        alone.reason,
        alone.malignant_probability,
    )
    assert made.probabilities == alone.probabilities
    assert made.inputs == [{"prediction": str(alone.public_id), "weight": 1.0, "left_out": ""}]
    assert AuditEvent.objects.filter(action="lesion_reading.made", object_id=str(made.public_id)).count() == 1


def test_photographs_of_one_day_are_taken_together_and_the_reading_before_is_superseded(
    owner: Membership, photograph: bytes, active_model: ModelVersion
) -> None:
    lesion = receive_upload(actor=owner, upload=Upload(data=photograph)).prediction.image.lesion
    receive_upload(actor=owner, upload=Upload(data=draw_lesion(seed=5), lesion=lesion))
    before, now = LesionReading.objects.order_by("pk")
    assert (before.is_in_force, now.is_in_force) == (False, True)
    assert {each["prediction"] for each in now.inputs} == {str(each.public_id) for each in Prediction.objects.all()}
    assert Examination.objects.count() == 1


def test_it_waits_for_the_last_photograph(examination: Examination, active_model: ModelVersion) -> None:
    read_as(examination, active_model, Outcome.LOW_RISK, LOW)
    waiting = factories.PredictionFactory.create(image=factories.LesionImageFactory.create(examination=examination))
    assert concluded(examination) is None
    assert states.fail(states.load(waiting.pk), "stored_image_missing")
    examination.refresh_from_db()
    assert examination.reading is not None
    assert [each["left_out"] == "" for each in examination.reading.inputs] == [True, False]


def test_without_a_photograph_none_is_in_force_and_what_was_said_stays(
    owner: Membership, examination: Examination, active_model: ModelVersion
) -> None:
    image = read_as(examination, active_model, Outcome.SUSPICIOUS, HIGH).image
    said = concluded(examination)
    mark_entered_in_error(actor=owner, image=image, reason="of the ceiling")
    examination.refresh_from_db()
    assert examination.reading is None
    assert list(LesionReading.objects.all()) == [said]


def test_a_photograph_moved_changes_the_readings_of_both(
    owner: Membership, examination: Examination, active_model: ModelVersion
) -> None:
    stays = read_as(examination, active_model, Outcome.LOW_RISK, LOW)
    goes = read_as(examination, active_model, Outcome.SUSPICIOUS, HIGH)
    concluded(examination)
    other = factories.LesionFactory.create(patient=examination.visit.patient)
    move_image(actor=owner, image=goes.image, reason="the other mole", lesion=other)
    for lesion, reading in ((examination.lesion, stays), (other, goes)):
        held = LesionReading.objects.in_force().get(examination__lesion=lesion)
        assert (held.outcome, held.examination.visit) == (reading.outcome, examination.visit)
        assert [each["prediction"] for each in held.inputs] == [str(reading.public_id)]


@pytest.mark.parametrize("was_shown", ["shown", ""])
def test_a_photograph_added_after_a_reading_was_shown_does_not_lower_it(
    was_shown: str, owner: Membership, examination: Examination, active_model: ModelVersion
) -> None:
    read_as(examination, active_model, Outcome.SUSPICIOUS, (0.055, 0.875, 0.01, 0.01, 0.02, 0.02, 0.01))
    before = concluded(examination)
    assert before is not None
    if was_shown:
        note_shown(actor=owner, shown=[before])
    for share in (0.004, 0.003, 0.002):  # no two alike, which would be copies
        low = (share, 0.97 - 3 * share, share, share, 0.01, 0.01, 0.01)
        read_as(examination, active_model, Outcome.LOW_RISK, low)
    now = concluded(examination)
    assert now is not None
    assert now.malignant_probability is not None
    assert now.malignant_probability < (before.malignant_probability or 0)
    assert (now.outcome == Outcome.SUSPICIOUS) == bool(was_shown)
    assert (now.reason == SHOWN_BEFORE) == bool(was_shown)
    assert now.kept_from == (Outcome.SUSPICIOUS if was_shown else "")


def test_a_photograph_withdrawn_takes_along_what_it_was_suspected_of(
    owner: Membership, examination: Examination, active_model: ModelVersion
) -> None:
    wrong = read_as(examination, active_model, Outcome.SUSPICIOUS, HIGH)
    note_shown(actor=owner, shown=[concluded(examination)])
    read_as(examination, active_model, Outcome.LOW_RISK, LOW)
    concluded(examination)
    mark_entered_in_error(actor=owner, image=wrong.image, reason="of another patient")
    assert LesionReading.objects.in_force().get().outcome == Outcome.LOW_RISK


def test_a_photograph_added_under_another_model_has_the_others_read_by_it_and_none_is_mixed(
    owner: Membership, photograph: bytes, active_model: ModelVersion, bundle_with_cases: Path
) -> None:
    first = receive_upload(actor=owner, upload=Upload(data=photograph)).prediction
    newer = register_model(path=bundle_with_cases, activate=True)
    assert LesionReading.objects.in_force().get().model_version == active_model  # a new model alone reads nothing anew

    receive_upload(actor=owner, upload=Upload(data=draw_lesion(seed=8), lesion=first.image.lesion))
    held = LesionReading.objects.in_force().get()
    assert held.model_version == newer
    by_newer = Prediction.objects.filter(status=Status.DONE, model_version=newer)
    assert by_newer.count() == 2
    assert {each["prediction"] for each in held.inputs} == {str(each.public_id) for each in by_newer}


def test_a_photograph_that_another_model_alone_called_suspicious_is_not_passed_over(
    examination: Examination, active_model: ModelVersion
) -> None:
    former = factories.ModelVersionFactory.create()
    doubtful = read_as(examination, former, Outcome.SUSPICIOUS, HIGH)
    again = factories.PredictionFactory.create(image=doubtful.image)  # and to read it again fails
    read_as(examination, active_model, Outcome.LOW_RISK, LOW)
    assert states.fail(states.load(again.pk), "stored_image_missing")
    examination.refresh_from_db()
    made = examination.reading
    assert made is not None
    assert (made.outcome, made.reason, made.named) == (
        Outcome.REFER_UNCERTAIN,
        "photographs_disagree",
        [str(doubtful.image.public_id)],
    )
    assert made.malignant_probability == pytest.approx(0.03)


def test_what_was_added_may_go_without_lowering_what_was_shown(
    owner: Membership, examination: Examination, active_model: ModelVersion
) -> None:
    read_as(examination, active_model, Outcome.SUSPICIOUS, (0.055, 0.875, 0.01, 0.01, 0.02, 0.02, 0.01))
    note_shown(actor=owner, shown=[concluded(examination)])
    added = [
        read_as(examination, active_model, Outcome.LOW_RISK, (share, 0.97 - 3 * share, share, share, 0.01, 0.01, 0.01))
        for share in (0.004, 0.003, 0.002)
    ]
    concluded(examination)
    mark_entered_in_error(actor=owner, image=added[0].image, reason="blurred")
    assert LesionReading.objects.in_force().get().outcome == Outcome.SUSPICIOUS


def test_a_reading_of_a_withdrawn_photograph_is_not_in_force_while_another_waits(
    owner: Membership, examination: Examination, active_model: ModelVersion
) -> None:
    wrong = read_as(examination, active_model, Outcome.SUSPICIOUS, HIGH)
    read_as(examination, active_model, Outcome.LOW_RISK, LOW)
    concluded(examination)
    factories.PredictionFactory.create(image=factories.LesionImageFactory.create(examination=examination))
    concluded(examination)
    assert LesionReading.objects.in_force().exists()
    mark_entered_in_error(actor=owner, image=wrong.image, reason="of another patient")
    assert not LesionReading.objects.in_force().exists()
