"""The one way to declare a background task, and to send one.

Every task acknowledges late and is put back when its worker dies; it must therefore be safe to run twice. Its soft time
limit is under the hard one, and that under the broker's visibility time-out (a system check holds them to it): a
message is never handed to a second worker while the first may still be at it. While the database is away it goes back
to the queue, again and again for some minutes.
"""

from collections.abc import Callable
from typing import Any, ParamSpec

from celery import Task, current_app, shared_task
from celery.signals import task_postrun, task_prerun
from django.conf import settings
from django.db import InterfaceError, OperationalError
from kombu import Queue

from skinsite.platform.request_id import set_request_id

P = ParamSpec("P")

# 1, 2, 4 … seconds, each less a random part: about four minutes in all. What then still waits, `process_queue` finds.
LONGEST_PAUSE = 30
MOST_RETRIES = 12


class IdentifiersOnlyError(TypeError):
    """A task was sent something else than ids."""


class IdentifierTask(Task):  # type: ignore[type-arg] # generic only in the stubs
    """A task that takes ids: rows are read when it runs, and nothing about a patient lies in the broker."""

    def apply_async(  # type: ignore[override] # the options are Celery's own, handed on as they come
        self, args: Any = None, kwargs: Any = None, **options: Any
    ) -> Any:
        """Send it.

        Raises ``IdentifiersOnlyError`` for an argument that is not a whole number.
        """
        _require_ids(self.name, *(args or ()), *(kwargs or {}).values())
        return super().apply_async(args, kwargs, **options)


def task(function: Callable[P, None]) -> "Task[P, None]":
    """Make a function of ids a background task; send it by ``.delay(id)`` in ``transaction.on_commit``."""
    return shared_task(
        base=IdentifierTask,
        acks_late=True,
        reject_on_worker_lost=True,
        ignore_result=True,
        soft_time_limit=settings.TASK_SOFT_SECONDS,
        time_limit=settings.TASK_HARD_SECONDS,
        autoretry_for=(OperationalError, InterfaceError),
        retry_backoff=1,
        retry_backoff_max=LONGEST_PAUSE,
        retry_jitter=True,
        max_retries=MOST_RETRIES,
    )(function)


def send(name: str, *ids: int) -> None:
    """Send a task by its name, for a layer that lies below the tasks; a broker that is gone is not waited for.

    Raises what the broker's client raises.

    Raises ``IdentifiersOnlyError`` for an argument that is not a whole number.
    """
    _require_ids(name, *ids)
    current_app.send_task(name, args=list(ids), retry=False)


def count_messages(queue_name: str) -> int:
    """How many messages lie in one of the broker's queues, taken by nobody. Raises what the broker's client raises."""
    with current_app.connection_for_write(connect_timeout=settings.BROKER_TIMEOUT_SECONDS) as broker:
        broker.ensure_connection(max_retries=1, timeout=settings.BROKER_TIMEOUT_SECONDS)
        try:
            queue = Queue(queue_name, channel=broker.default_channel)
            return int(queue.queue_declare(passive=True)[1])  # type: ignore[index] # the stubs know its name alone
        except broker.channel_errors:  # there is no such queue: nobody has sent anything yet
            return 0


def _require_ids(name: str, *values: object) -> None:
    for value in values:
        if type(value) is not int:
            raise IdentifiersOnlyError(f"{name} takes ids (whole numbers), not {type(value).__name__}.")


@task_prerun.connect
def _begin(task_id: str, **_signal: Any) -> None:
    set_request_id(task_id)


@task_postrun.connect
def _end(**_signal: Any) -> None:
    set_request_id("")
