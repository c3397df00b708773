"""What waits is read here, or handed to the workers once more where a message was lost."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now

from classifier import inference
from classifier.models import Status
from classifier.services import handover
from classifier.services.predictions import CELERY, run_prediction, waiting

log = logging.getLogger(__name__)

# A worker that has taken a message claims its reading within this time, unless it has died.
SECONDS_TO_CLAIM = 60

Progress = Callable[[list[int]], Iterable[int]]


@dataclass(frozen=True, slots=True)
class QueueReport:
    """What became of the readings that waited: how many are done, have failed, and wait still."""

    done: int
    failed: int
    waiting: int


def process_queue(*, progress: Progress = iter, seconds: float | None = None) -> QueueReport:
    """Read what waits, or in Celery mode hand it to the workers; ``progress`` wraps the list of their keys.

    Stops after ``seconds``, if given, and when nothing can be read now.
    """
    inference.forget_failures()
    ends = None if seconds is None else time.monotonic() + seconds
    came_to: Counter[str] = Counter()
    for prediction_id in waiting().filter(attempts__gte=settings.PREDICTION_MAX_ATTEMPTS).values_list("pk", flat=True):
        came_to[run_prediction(prediction_id=prediction_id).status] += 1  # it ends, whatever can be read now
    if inference.availability() is not None:
        return QueueReport(done=came_to[Status.DONE], failed=came_to[Status.FAILED], waiting=waiting().count())
    if settings.PREDICTION_MODE == CELERY:
        _submit_what_no_worker_knows(progress)
    else:
        for prediction_id in progress(list(waiting().values_list("pk", flat=True))):
            if ends is not None and time.monotonic() > ends:
                break
            came_to[run_prediction(prediction_id=prediction_id).status] += 1
    return QueueReport(done=came_to[Status.DONE], failed=came_to[Status.FAILED], waiting=waiting().count())


def _submit_what_no_worker_knows(progress: Progress) -> None:
    """Submit what was never handed over, or got lost; stop at the first that the broker does not take."""
    handover.ask_again_at_once()
    known = ~Q(submitted_at=None) & Q(waiting_for="") & ~Q(status=Status.RUNNING, submitted_at__lt=F("started_at"))
    missing = {*waiting().exclude(known).values_list("pk", flat=True), *_lost(known)}
    for prediction_id in progress([key for key in waiting().values_list("pk", flat=True) if key in missing]):
        if not handover.submit(prediction_id):
            return


def _lost(known: Q) -> set[int]:
    """Readings whose message was taken long ago by a worker that never claimed them, or was lost by the broker.

    Messages are taken in the order in which they were sent: of ``n`` that lie in the queue none is older than the ``n``
    last submitted.
    """
    try:
        untaken = handover.count_messages()
    except Exception as error:  # noqa: BLE001 whatever the broker's client raises: nothing can be handed over now
        log.warning("The broker does not tell what lies in its queue (%s)", error)
        return set()
    taken = waiting().filter(known).order_by("-submitted_at", "-pk").values_list("pk", flat=True)[untaken:]
    long_ago = Now() - timedelta(seconds=SECONDS_TO_CLAIM)
    return set(taken) & set(waiting().filter(submitted_at__lt=long_ago).values_list("pk", flat=True))
