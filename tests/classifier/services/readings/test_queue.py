"""What no worker knows of is handed over again, and what lies in the queue is left there."""

from datetime import timedelta

import pytest
from celery import Celery, current_app
from django.utils import timezone
from pytest_django import Settings

from classifier.models import ModelVersion, Prediction, Status
from classifier.services.readings import handover
from classifier.services.readings.queue import process_queue
from skinsite.platform import tasks
from skinsite.platform.breaker import Breaker
from skinsite.platform.celery import app
from tests.factories import PredictionFactory

pytestmark = pytest.mark.usefixtures("active_model", "by_workers")


@pytest.fixture
def by_workers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings are made by workers."""
    settings.PREDICTION_MODE = "celery"
    monkeypatch.setattr(handover, "_breaker", Breaker("broker"))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The readings that are handed over."""
    keys: list[int] = []
    monkeypatch.setattr(current_app, "send_task", lambda _name, args, **_options: keys.extend(args))
    return keys


def submitted(seconds_ago: float, **fields: object) -> Prediction:
    """A reading that was handed over some time ago."""
    return PredictionFactory.create(submitted_at=timezone.now() - timedelta(seconds=seconds_ago), **fields)


def lying_in_the_queue(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let the broker say how many messages it holds."""
    monkeypatch.setattr(tasks, "count_messages", lambda _queue: count)


def test_what_was_taken_and_never_claimed_is_handed_over_again(
    sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, _young = submitted(70), submitted(50)
    lying_in_the_queue(monkeypatch, 0)

    process_queue()

    assert sent == [lost.pk]


def test_what_waits_its_turn_is_left_in_the_queue(sent: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    lost = [submitted(3000), submitted(2900)]
    for number in range(5):
        submitted(1000 - number)
    lying_in_the_queue(monkeypatch, 5)

    process_queue()

    assert sent == [reading.pk for reading in lost]


def test_what_was_never_handed_over_is(sent: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    never = PredictionFactory.create()
    refused = submitted(5, waiting_for="broker")
    lying_in_the_queue(monkeypatch, 10)

    process_queue()

    assert sent == [never.pk, refused.pk]
    assert set(Prediction.objects.values_list("waiting_for", flat=True)) == {""}


def test_a_dead_workers_reading_is_handed_over_once_and_again_only_if_that_is_lost(
    sent: list[int], monkeypatch: pytest.MonkeyPatch, active_model: ModelVersion
) -> None:
    died = timezone.now() - timedelta(hours=1)
    reading = submitted(3700, status=Status.RUNNING, model_version=active_model, started_at=died, attempts=1)
    lying_in_the_queue(monkeypatch, 1)

    process_queue()
    process_queue()
    assert sent == [reading.pk]  # it lies in the queue

    Prediction.objects.update(submitted_at=timezone.now() - timedelta(seconds=70))
    lying_in_the_queue(monkeypatch, 0)
    process_queue()
    assert sent == [reading.pk] * 2


def test_a_broker_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(*_arguments: object, **_options: object) -> None:
        asked.append(1)
        raise ConnectionRefusedError

    monkeypatch.setattr(current_app, "send_task", refuse)
    monkeypatch.setattr(tasks, "count_messages", refuse)
    readings = [PredictionFactory.create() for _number in range(3)]

    process_queue()
    assert not handover.submit(readings[2].pk)  # another upload does not wait for it once more

    assert len(asked) == 2  # the length of the queue, the first reading
    assert list(Prediction.objects.order_by("pk").values_list("waiting_for", flat=True)) == ["broker", "", "broker"]


@pytest.mark.parametrize("error", [ValueError("no such scheme"), KeyError("transport"), OSError("away")])
def test_whatever_the_broker_raises_the_reading_waits(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(current_app, "send_task", refuse)
    reading = PredictionFactory.create()

    assert not handover.submit(reading.pk)
    reading.refresh_from_db()
    assert (reading.status, reading.waiting_for) == ("queued", "broker")


def test_a_claim_by_a_clock_that_is_ahead_ends_by_the_databases(active_model: ModelVersion) -> None:
    reading = PredictionFactory.create(
        status=Status.RUNNING, model_version=active_model, started_at=timezone.now(), attempts=1
    )
    far = timezone.now() + timedelta(days=365)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.utils.timezone.now", lambda: far)
        from classifier.services.readings.states import waiting  # noqa: PLC0415 as it is at that time

        assert not waiting().filter(pk=reading.pk).exists()


def test_messages_of_readings_alone_are_counted(valkey_url: str) -> None:
    url = f"{valkey_url.rpartition('/')[0]}/14"
    with Celery("test", broker=url) as apart:
        apart.conf.update(task_queues=app.conf.task_queues, task_routes=app.conf.task_routes)
        apart.set_current()
        try:
            assert tasks.count_messages("celery") == 0  # nobody has sent anything yet
            for name in (handover.TASK, handover.QUEUE_TASK, handover.TASK, "skinsite.health.tasks.note_clock"):
                apart.send_task(name)
            assert tasks.count_messages("celery") == 2
        finally:
            app.set_current()
