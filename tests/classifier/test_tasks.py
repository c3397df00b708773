"""Tasks are known to the workers under the names by which services and beat send them."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from classifier import tasks
from classifier.models import Status
from classifier.services.readings import handover, states
from skinsite.platform.celery import app
from skinsite.platform.models import RateCount
from skinsite.storage.private import private_storage
from tests.factories import ModelVersionFactory, PredictionFactory


def test_every_name_that_is_sent_is_a_task() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert scheduled == {
        "classifier.tasks.process_queue",
        "classifier.tasks.housekeep",
        "skinsite.health.tasks.note_clock",
        "skinsite.audit.tasks.seal_events",
        "skinsite.directory.tasks.renew_grants",
    }
    assert scheduled | {handover.TASK, handover.QUEUE_TASK} <= set(app.tasks)


@pytest.mark.parametrize("name", ["process_queue", "note_clock"])
def test_the_queue_is_processed_every_half_minute_and_the_clock_tells_that_it_runs(name: str) -> None:
    assert settings.CELERY_BEAT_SCHEDULE[name]["schedule"] == 30
    assert settings.CELERY_BEAT_SCHEDULE[name]["options"]["expires"] < 30


def test_the_work_of_the_night_is_done_at_an_hour_and_not_so_long_after_a_start() -> None:
    schedule = settings.CELERY_BEAT_SCHEDULE["housekeep"]["schedule"]
    started = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)  # a container that is made anew every night
    schedule.nowfun = lambda: started
    assert schedule.remaining_estimate(started) == timedelta(hours=1, minutes=17)


@pytest.mark.usefixtures("store", "db")
def test_the_work_of_the_night_clears_sessions_and_counts_that_have_ended_and_sweeps_the_storage() -> None:
    for key, ahead in (("ended", -1), ("alive", 1)):
        ends = timezone.now() + timedelta(hours=ahead)
        Session.objects.create(session_key=key, session_data="", expire_date=ends)
    for key, window in (("over", 1), ("running", 2**45)):
        RateCount.objects.create(key=key, used=1, ends=window)
    private_storage().save("images/orphan.jpg", ContentFile(b"x"))
    old = timezone.now().timestamp() - 2 * 3600
    os.utime(Path(settings.MEDIA_ROOT) / "images/orphan.jpg", (old, old))

    tasks.housekeep()

    assert list(Session.objects.values_list("session_key", flat=True)) == ["alive"]
    assert list(RateCount.objects.values_list("key", flat=True)) == ["running"]
    assert not private_storage().exists("images/orphan.jpg")


@pytest.mark.parametrize("name", ["run_prediction", "process_queue", "housekeep"])
def test_a_task_that_has_lost_the_database_goes_back_to_the_queue(name: str) -> None:
    task = getattr(tasks, name)
    assert {OperationalError, InterfaceError} <= set(task.autoretry_for)
    # Longer than a database takes to start; and a message does not wait so long that the broker gives it out again.
    pauses = [min(task.retry_backoff_max, 2**retry) for retry in range(task.max_retries)]
    assert sum(pauses) > 200
    assert max(pauses) < settings.TASK_VISIBILITY_SECONDS


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("classifier.tasks.run_prediction", "celery"),
        ("classifier.tasks.process_queue", "rounds"),
        ("classifier.tasks.housekeep", "rounds"),
        ("skinsite.health.tasks.note_clock", "rounds"),
        ("skinsite.audit.tasks.seal_events", "rounds"),
        ("skinsite.directory.tasks.renew_grants", "rounds"),
    ],
)
def test_rounds_do_not_wait_behind_readings(task: str, queue: str) -> None:
    sent_to = app.amqp.router.route({}, task)["queue"]
    assert (sent_to.name, sent_to.exchange.name, sent_to.routing_key) == (queue, queue, queue)
    assert queue in app.amqp.queues.consume_from


def test_a_lease_outlives_the_hard_limit_of_a_task() -> None:
    assert states.lease_seconds() > settings.TASK_HARD_SECONDS > settings.TASK_SOFT_SECONDS


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

    assert times == [states.lease_end(held)] * sent
