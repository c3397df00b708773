"""The one way to declare a task."""

import pytest
from django.conf import settings

from skinsite.platform.celery import app
from skinsite.platform.tasks import IdentifiersOnlyError, send, task

seen: list[int] = []


@task
def remember(number: int) -> None:
    """Remember a number."""
    seen.append(number)


def test_a_task_survives_its_worker() -> None:
    assert remember.acks_late is True
    assert remember.reject_on_worker_lost is True
    assert remember.ignore_result is True


def test_a_task_ends_before_its_message_comes_back() -> None:
    visible = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    assert remember.soft_time_limit is not None
    assert remember.time_limit is not None
    assert 0 < remember.soft_time_limit < remember.time_limit < visible


@pytest.mark.parametrize("argument", ["P-00042", {"code": "P-00042"}, 1.5, None, True])
def test_nothing_but_ids_goes_to_the_broker(argument: object) -> None:
    with pytest.raises(IdentifiersOnlyError, match="takes ids"):
        remember.delay(argument)  # type: ignore[arg-type] # what is refused
    with pytest.raises(IdentifiersOnlyError, match="takes ids"):
        remember.apply_async(kwargs={"number": argument})
    with pytest.raises(IdentifiersOnlyError, match="takes ids"):
        send(remember.name, argument)  # type: ignore[arg-type] # what is refused


def test_a_task_is_the_function() -> None:
    seen.clear()
    remember.apply((7,))
    assert seen == [7]


def test_every_task_of_the_project_is_declared_so() -> None:
    app.loader.import_default_modules()
    own = [one for name, one in app.tasks.items() if name.startswith(("classifier.", "skinsite."))]
    assert own
    assert [one.name for one in own if not (one.acks_late and one.reject_on_worker_lost)] == []
