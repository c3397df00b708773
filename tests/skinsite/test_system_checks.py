"""System checks: settings that must never start."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from pytest_django import Settings

from skinsite.health.system_checks import check_broker, check_proxies, check_time_limits


@pytest.mark.parametrize(
    ("soft", "hard", "visible", "errors"),
    [
        (60, 90, 300, []),
        (90, 90, 300, ["skinsite.E002"]),
        (60, 300, 300, ["skinsite.E002"]),
        (60, 90, 80, ["skinsite.E002"]),
        (0, 90, 300, ["skinsite.E002"]),
    ],
)
def test_time_limits(settings: Settings, soft: int, hard: int, visible: int, errors: list[str]) -> None:
    settings.TASK_SOFT_SECONDS = soft
    settings.TASK_HARD_SECONDS = hard
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": visible}
    assert [message.id for message in check_time_limits()] == errors


@pytest.mark.parametrize(
    ("mode", "broker", "errors"),
    [("synchronous", "", []), ("celery", "redis://localhost:6379/0", []), ("celery", "", ["skinsite.E007"])],
)
def test_a_worker_needs_a_broker(settings: Settings, mode: str, broker: str, errors: list[str]) -> None:
    settings.PREDICTION_MODE = mode
    settings.CELERY_BROKER_URL = broker
    assert [message.id for message in check_broker()] == errors


@pytest.mark.parametrize(
    ("header", "count", "warnings"),
    [
        (None, 0, []),
        (("HTTP_X_FORWARDED_PROTO", "https"), 1, []),
        (("HTTP_X_FORWARDED_PROTO", "https"), 0, ["skinsite.W004"]),
    ],
)
def test_a_proxy_is_counted(
    settings: Settings, header: tuple[str, str] | None, count: int, warnings: list[str]
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = header
    settings.PROXY_COUNT = count
    assert [message.id for message in check_proxies()] == warnings


def test_a_check_has_its_id_for_itself() -> None:
    """Whoever silences one check must not silence another."""
    root = Path(__file__).parents[2]
    owners = defaultdict(set)
    for path in [*root.glob("skinsite/**/*.py"), *root.glob("classifier/**/*.py")]:
        for function in re.split(r"^def ", path.read_text(), flags=re.MULTILINE)[1:]:
            for found in re.findall(r'\bid="([a-z]+\.[EW][0-9]{3})"', function):
                owners[found].add((path, function.partition("(")[0]))
    assert len(owners) > 10
    assert {name: found for name, found in owners.items() if len(found) > 1} == {}
