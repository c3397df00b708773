"""Tasks are known to the workers under the names by which services and beat send them."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from classifier import tasks
from classifier.models import Status
from classifier.services import predictions
from skinsite.celery import app
from tests.factories import ModelVersionFactory, PredictionFactory


def test_every_name_that_is_sent_is_a_task() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert scheduled == {"classifier.tasks.process_queue", "classifier.tasks.sweep_storage"}
    assert scheduled | {predictions.TASK, predictions.QUEUE_TASK} <= set(app.tasks)


def test_the_queue_is_processed_every_minute() -> None:
    assert settings.CELERY_BEAT_SCHEDULE["process_queue"]["schedule"] == 60
    assert settings.CELERY_BEAT_SCHEDULE["process_queue"]["options"]["expires"] < 60


def test_a_lease_outlives_the_hard_limit_of_a_task() -> None:
    assert predictions.lease_seconds() > settings.TASK_HARD_SECONDS > settings.TASK_SOFT_SECONDS


@pytest.mark.usefixtures("store", "db")
@pytest.mark.parametrize(("age", "sent"), [(timedelta(seconds=1), 1), (timedelta(hours=1), 0)])
def test_a_reading_held_elsewhere_is_asked_for_again_when_its_lease_ends_and_never_at_once(
    age: timedelta, sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[object] = []
    monkeypatch.setattr(tasks.run_prediction, "apply_async", lambda _args, eta: times.append(eta))
    held = PredictionFactory.create(
        status=Status.RUNNING,
        model_version=ModelVersionFactory.create(),  # a candidate: nothing can read now
        started_at=timezone.now() - age,
        attempts=1,
    )

    tasks.run_prediction(held.pk)

    assert times == [predictions.lease_end(held)] * sent
