"""System checks: settings that must never start."""

import pytest
from pytest_django import Settings

from skinsite.checks import check_modes, check_secret, check_time_limits


@pytest.mark.parametrize("secret", ["", "short"])
def test_a_missing_secret(settings: Settings, secret: str) -> None:
    settings.SECRET_KEY = secret or "-"
    assert [message.id for message in check_secret()] == ["skinsite.E001"]


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
    ("mode", "broker", "runtime", "errors"),
    [
        ("synchronous", "", "auto", []),
        ("celery", "redis://localhost:6379/0", "onnx", []),
        ("celery", "", "torchscript", ["skinsite.E007"]),
        ("threads", "", "auto", ["skinsite.E006"]),
        ("synchronous", "", "tensorrt", ["skinsite.E008"]),
    ],
)
def test_modes(settings: Settings, mode: str, broker: str, runtime: str, errors: list[str]) -> None:
    settings.PREDICTION_MODE = mode
    settings.CELERY_BROKER_URL = broker
    settings.INFERENCE_RUNTIME = runtime
    assert [message.id for message in check_modes()] == errors


@pytest.mark.parametrize(
    ("trusted", "errors"), [(["0f" * 32], []), (["0f" * 31], ["skinsite.E020"]), (["*"], ["skinsite.E020"])]
)
def test_trusted_bundles_are_hashes(settings: Settings, trusted: list[str], errors: list[str]) -> None:
    settings.TRUSTED_BUNDLES = trusted
    assert [message.id for message in check_modes()] == errors


def test_each_message_says_what_to_do(settings: Settings) -> None:
    settings.PREDICTION_MODE = "threads"
    settings.INFERENCE_RUNTIME = "tensorrt"
    hints = [str(message.hint) for message in check_modes()]
    assert hints == ["One of: synchronous, celery.", "One of: auto, onnx, torchscript."]
