"""Readings move one way, step by step, and end."""

import hashlib
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from classifier.models import LesionImage, ModelVersion, Prediction, Status
from classifier.services.corrections.entered_in_error import mark_entered_in_error
from classifier.services.intake import receive_upload
from classifier.services.readings import states
from classifier.services.readings.queue import CELERY, process_queue, queue_prediction, retry_prediction
from classifier.services.readings.run import run_prediction
from classifier.services.registry import register_model
from classifier.services.upload import Upload
from classifier.storage import read_stored
from ml.bundle.folder import DEFAULT_BUNDLE
from skinsite.accounts.models import Membership
from skinsite.storage.private import private_storage
from tests.classifier.conftest import draw_lesion
from tests.factories import DonePredictionFactory, LesionImageFactory, ModelVersionFactory

pytestmark = pytest.mark.usefixtures("store")


def upload(actor: Membership, seed: int = 0) -> Prediction:
    """A photograph's reading, as far as it is at once."""
    return receive_upload(actor=actor, upload=Upload(data=draw_lesion(seed=seed), patient_code="A-1")).prediction


def claim_elsewhere(reading: Prediction, model: ModelVersion, *, ago: timedelta, attempts: int = 1) -> Prediction:
    """Leave a reading as a worker does that claimed it some time ago."""
    Prediction.objects.filter(pk=reading.pk).update(
        status=Status.RUNNING, model_version=model, started_at=timezone.now() - ago, attempts=attempts
    )
    reading.refresh_from_db()
    return reading


@pytest.fixture
def queued(owner: Membership) -> Prediction:
    """A reading that waits, since no model was in service when it came."""
    return upload(owner)


def test_without_a_model_an_upload_is_kept_and_waits(owner: Membership) -> None:
    reading = upload(owner)

    assert (reading.status, reading.waiting_for) == ("queued", "no_model")
    assert private_storage().exists(reading.image.stored_name)


def test_what_waits_is_read_once_a_model_is_activated(owner: Membership) -> None:
    waiting = [upload(owner, seed) for seed in range(3)]

    model = register_model(path=DEFAULT_BUNDLE, activate=True)

    for reading in waiting:
        reading.refresh_from_db()
        assert (reading.status, reading.waiting_for, reading.model_version) == ("done", "", model)


def test_a_bundle_that_is_missing_keeps_uploads_waiting_until_it_is_back(
    owner: Membership,
) -> None:
    good = register_model(path=DEFAULT_BUNDLE, activate=True)
    ModelVersion.objects.update(bundle_sha256="0" * 64)  # nothing of this hash lies in the store

    reading = upload(owner)
    assert (reading.status, reading.waiting_for) == ("queued", "bundle_missing")

    ModelVersion.objects.update(bundle_sha256=good.bundle_sha256)
    report = process_queue()
    assert (report.done, report.failed, report.waiting) == (1, 0, 0)


def test_running_a_reading_twice_gives_one(queued: Prediction, active_model: ModelVersion) -> None:
    first = run_prediction(prediction_id=queued.pk)
    second = run_prediction(prediction_id=queued.pk)

    assert first.status == Status.DONE
    assert (second.finished_at, second.attempts) == (first.finished_at, 1)


def test_a_live_lease_is_respected(queued: Prediction, store: Path) -> None:
    model = ModelVersionFactory.create()
    claim_elsewhere(queued, model, ago=timedelta(seconds=1))
    register_model(path=DEFAULT_BUNDLE, activate=True)

    reading = run_prediction(prediction_id=queued.pk)

    assert (reading.status, reading.attempts, reading.model_version) == ("running", 1, model)
    left = states.lease_end(reading) - timezone.now()
    assert timedelta(0) < left <= timedelta(seconds=settings.TASK_HARD_SECONDS + 5)


def test_a_worker_that_died_is_replaced_when_its_lease_ends(queued: Prediction) -> None:
    claim_elsewhere(queued, ModelVersionFactory.create(), ago=timedelta(hours=1))

    model = register_model(path=DEFAULT_BUNDLE, activate=True)  # drains the queue

    queued.refresh_from_db()
    assert (queued.status, queued.attempts, queued.model_version) == ("done", 2, model)


def test_a_worker_that_lost_its_claim_writes_nothing(queued: Prediction) -> None:
    slow = claim_elsewhere(queued, ModelVersionFactory.create(), ago=timedelta(hours=1))
    register_model(path=DEFAULT_BUNDLE, activate=True)
    done = Prediction.objects.get(pk=slow.pk)
    assert done.status == Status.DONE

    assert slow.attempts == 1
    states.fail(slow, "timed_out")  # what the slow worker does when it wakes up

    queued.refresh_from_db()
    assert (queued.status, queued.finished_at, queued.failure) == ("done", done.finished_at, "")


def test_attempts_are_used_up(queued: Prediction) -> None:
    claim_elsewhere(queued, ModelVersionFactory.create(), ago=timedelta(hours=1), attempts=3)

    register_model(path=DEFAULT_BUNDLE, activate=True)  # drains the queue

    queued.refresh_from_db()
    assert settings.PREDICTION_MAX_ATTEMPTS == 3
    assert (queued.status, queued.failure, queued.attempts) == ("failed", "attempts_exhausted", 3)


def test_attempts_used_up_end_even_while_no_model_can_read(queued: Prediction) -> None:
    claim_elsewhere(queued, ModelVersionFactory.create(), ago=timedelta(hours=1), attempts=3)

    report = process_queue()

    queued.refresh_from_db()
    assert (report.failed, report.waiting) == (1, 0)
    assert (queued.status, queued.failure) == ("failed", "attempts_exhausted")


def test_handed_to_workers_an_upload_says_at_once_that_there_is_no_model(
    owner: Membership, settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    settings.PREDICTION_MODE = CELERY

    with django_capture_on_commit_callbacks() as sent:
        reading = upload(owner)

    assert (reading.status, reading.waiting_for, reading.submitted_at) == ("queued", "no_model", None)
    assert sent == []


def test_a_crash_in_the_network_ends_in_a_failure_that_says_so(owner: Membership, active_model: ModelVersion) -> None:
    poison = b"\xff\xd8\xff and then nothing that is a photograph"
    image = LesionImageFactory.create(
        lesion__patient__clinic=owner.clinic,
        stored_sha256=hashlib.sha256(poison).hexdigest(),
        stored_name="images/p.jpg",
    )
    private_storage().save(image.stored_name, ContentFile(poison))

    reading = queue_prediction(actor=owner, image=image)

    assert (reading.status, reading.failure, reading.attempts) == ("failed", "crashed: ImageRejected", 1)
    assert reading.outcome is None


def test_stored_bytes_that_were_changed_are_not_read(queued: Prediction) -> None:
    private_storage().save(queued.image.stored_name, ContentFile(draw_lesion(seed=9)))

    register_model(path=DEFAULT_BUNDLE, activate=True)

    queued.refresh_from_db()
    assert (queued.status, queued.failure, queued.logits) == ("failed", "stored_image_changed", None)


def test_stored_bytes_that_are_gone_end_the_reading(queued: Prediction) -> None:
    private_storage().delete(queued.image.stored_name)

    register_model(path=DEFAULT_BUNDLE, activate=True)

    queued.refresh_from_db()
    assert (queued.status, queued.failure) == ("failed", "stored_image_missing")


def test_a_storage_that_does_not_answer_keeps_the_reading_waiting(
    queued: Prediction, active_model: ModelVersion, owner: Membership, store: Path
) -> None:
    image = LesionImageFactory.create(
        lesion__patient__clinic=owner.clinic, stored_name="images"
    )  # a folder: no file to open

    reading = queue_prediction(actor=owner, image=image)

    assert (reading.status, reading.waiting_for, reading.attempts) == ("queued", "storage", 0)


def test_a_failed_reading_is_retried_by_a_new_one(queued: Prediction, owner: Membership) -> None:
    good = read_stored(queued.image)
    private_storage().delete(queued.image.stored_name)
    register_model(path=DEFAULT_BUNDLE, activate=True)
    failed = Prediction.objects.get(pk=queued.pk)
    private_storage().save(queued.image.stored_name, ContentFile(good))

    again = retry_prediction(actor=owner, prediction=failed)

    failed.refresh_from_db()
    assert (again.status, failed.status) == ("done", "failed")
    assert again.pk != failed.pk


def test_a_reading_that_is_done_is_not_retried(owner: Membership, active_model: ModelVersion) -> None:
    with pytest.raises(ValidationError) as refusal:
        retry_prediction(actor=owner, prediction=upload(owner))

    assert refusal.value.code == "done"


def test_trying_a_waiting_reading_again_runs_it(owner: Membership, queued: Prediction) -> None:
    model = register_model(path=DEFAULT_BUNDLE)
    ModelVersion.objects.filter(pk=model.pk).update(status="active")

    again = retry_prediction(actor=owner, prediction=queued)

    assert (again.pk, again.status) == (queued.pk, "done")


def test_a_new_model_gives_a_new_reading_and_the_old_one_stays(owner: Membership, active_model: ModelVersion) -> None:
    image = upload_done_by_another_model(owner)

    reading = queue_prediction(actor=owner, image=image)

    assert reading.model_version == active_model
    assert image.predictions.count() == 2
    assert queue_prediction(actor=owner, image=image) == reading


def upload_done_by_another_model(actor: Membership) -> LesionImage:
    """A photograph that a model of former days has read."""
    stored = draw_lesion(seed=5)
    name = f"images/{uuid.uuid4()}.jpg"
    private_storage().save(name, ContentFile(stored))
    sha256 = hashlib.sha256(stored).hexdigest()
    image = LesionImageFactory.create(lesion__patient__clinic=actor.clinic, stored_sha256=sha256, stored_name=name)
    DonePredictionFactory.create(image=image)
    return image


def test_what_was_entered_in_error_is_not_read_again(owner: Membership, active_model: ModelVersion) -> None:
    image = upload(owner).image
    mark_entered_in_error(actor=owner, image=image, reason="Not a lesion")

    with pytest.raises(ValidationError, match="entered in error"):
        queue_prediction(actor=owner, image=image)


def test_process_queue_tells_its_progress_and_stops_in_time(owner: Membership) -> None:
    waiting = [upload(owner, seed) for seed in range(3)]
    model = register_model(path=DEFAULT_BUNDLE)
    ModelVersion.objects.filter(pk=model.pk).update(status="active")
    seen: list[int] = []

    def watch(keys: list[int]) -> list[int]:
        seen.extend(keys)
        return keys

    assert process_queue(seconds=0.0).waiting == 3
    report = process_queue(progress=watch)

    assert (report.done, report.failed, report.waiting) == (3, 0, 0)
    assert seen == [reading.pk for reading in waiting]
