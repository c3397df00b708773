"""The measurement of lists starts under settings of its own."""

import importlib
import subprocess

import pytest
from django.core.management import call_command

from skinsite.settings import rates


def test_no_rate_limit_stands_in_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: dict[str, str] = {}

    def begin(command: list[str], *, env: dict[str, str], **_options: object) -> subprocess.CompletedProcess[bytes]:
        begun.update(env)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", begin)
    call_command("bench_lists")
    for name in ("READS_RATE", "CLINIC_READS_RATE"):
        monkeypatch.setenv(name, begun[name])
    limits = importlib.reload(rates).RATE_LIMITS
    assert (limits["reads_person"], limits["reads_clinic"]) == (None, None)
