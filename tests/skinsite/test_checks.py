"""System checks: settings that must never start."""

import re
from pathlib import Path

import pytest
from pytest_django import Settings

from skinsite import checks
from skinsite.checks import check_broker, check_proxies, check_time_limits, check_trusted_bundles


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


def test_no_two_checks_share_an_id() -> None:
    found = re.findall(r'id="([a-z]+\.[EW]\d{3})"', Path(checks.__file__).read_text(encoding="utf-8"))
    assert len(found) > 10
    assert sorted(set(found)) == sorted(found)


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


@pytest.mark.parametrize(
    ("trusted", "errors"), [(["0f" * 32], []), (["0f" * 31], ["skinsite.E022"]), (["*"], ["skinsite.E022"])]
)
def test_trusted_bundles_are_hashes(settings: Settings, trusted: list[str], errors: list[str]) -> None:
    settings.TRUSTED_BUNDLES = trusted
    assert [message.id for message in check_trusted_bundles()] == errors
