"""What workers do: load by id, call a service."""

from celery.signals import worker_ready
from django.utils import timezone

from classifier.models import Status
from classifier.services import sweeping
from classifier.services.readings import queue, run, states
from skinsite.platform.tasks import task


@task
def run_prediction(prediction_id: int) -> None:
    """Read a photograph; while another worker holds it, come back when that one's lease ends.

    A lease that has ended already waits for what keeps everything from being read now; ``process_queue`` finds it.
    """
    prediction = run.run_prediction(prediction_id=prediction_id)
    lease_end = states.lease_end(prediction)
    if prediction.status == Status.RUNNING and lease_end > timezone.now():
        run_prediction.apply_async((prediction_id,), eta=lease_end)


@task
def process_queue() -> None:
    """Hand over what waits: every half minute by beat, when a worker starts, and when a model is activated."""
    queue.process_queue()


@task
def housekeep() -> None:
    """Delete what nobody needs any more, every night by beat."""
    sweeping.housekeep()


@worker_ready.connect
def _begin_with_what_waits(**_signal: object) -> None:
    process_queue.delay()
