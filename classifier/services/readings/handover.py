"""Readings handed to the workers, by messages that a broker carries and may lose."""

import logging

from django.db.models.functions import Now

from classifier.models import Prediction, Status
from skinsite.platform import tasks
from skinsite.platform.breaker import Breaker

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
        tasks.send(TASK, prediction_id)
    except Exception as error:  # noqa: BLE001 whatever the broker's client raises: the photograph is kept
        _breaker.trip(error)
        return False
    _breaker.reset()
    return True


def ask_again_at_once() -> None:
    """Forget that the broker did not answer."""
    _breaker.reset()
