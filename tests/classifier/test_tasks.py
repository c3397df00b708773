"""Tasks are known to the workers under the names by which services and beat send them."""

from django.conf import settings

from classifier.services import predictions
from skinsite.celery import app


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
