"""The measurement of lists starts under settings of its own."""

import importlib
import subprocess

import pytest
from django.core.management import call_command

from skinsite.settings import api as api_settings


def test_no_rate_limit_stands_in_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: dict[str, str] = {}

    def begin(command: list[str], *, env: dict[str, str], **_options: object) -> subprocess.CompletedProcess[bytes]:
        begun.update(env)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", begin)
    call_command("bench_lists")
    monkeypatch.setenv("API_READS_RATE", begun["API_READS_RATE"])
    rates = importlib.reload(api_settings).REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    assert rates["reads"] is None
