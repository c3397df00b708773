"""Readings handed to the workers, by messages that a broker carries and may lose."""

import logging

from celery import current_app
from django.conf import settings
from django.db.models.functions import Now
from kombu import Queue

from classifier.models import Prediction, Status
from skinsite.breaker import Breaker

log = logging.getLogger(__name__)

TASK = "classifier.tasks.run_prediction"
QUEUE_TASK = "classifier.tasks.process_queue"
_breaker = Breaker("broker")


def submit(prediction_id: int) -> bool:
    """Hand a reading to a worker; that the broker does not take it is noted, and ``process_queue`` tries again."""
    row = Prediction.objects.filter(pk=prediction_id)
    if _breaker.is_open() or not _send(prediction_id):
        row.filter(status=Status.QUEUED).update(waiting_for="broker")
        return False
    row.filter(status=Status.QUEUED).update(submitted_at=Now(), waiting_for="")
    row.filter(status=Status.RUNNING).update(submitted_at=Now())
    return True


def _send(prediction_id: int) -> bool:
    try:
        current_app.send_task(TASK, args=[prediction_id], retry=False)
    except Exception as error:  # noqa: BLE001 whatever the broker's client raises: the photograph is kept
        _breaker.trip(error)
        return False
    _breaker.reset()
    return True


def ask_again_at_once() -> None:
    """Forget that the broker did not answer."""
    _breaker.reset()


def count_messages() -> int:
    """How many readings lie in the broker's queue, taken by nobody. Raises what the broker's client raises."""
    with current_app.connection_for_write(connect_timeout=settings.BROKER_TIMEOUT_SECONDS) as broker:
        broker.ensure_connection(max_retries=1, timeout=settings.BROKER_TIMEOUT_SECONDS)
        try:
            queue = Queue(settings.READINGS_QUEUE, channel=broker.default_channel)
            return int(queue.queue_declare(passive=True)[1])  # type: ignore[index] # the stubs know its name alone
        except broker.channel_errors:  # there is no such queue: nobody has sent anything yet
            return 0
