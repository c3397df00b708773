"""Gunicorn, started as the image starts it, writes no secret into its log."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

PROJECT = Path(__file__).parents[3]


def command_of_the_image() -> list[str]:
    """What the Dockerfile runs, without where it listens and how many processes it has."""
    found = re.search(r'^CMD \["gunicorn", (.+)\]$', (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    assert found
    words = shlex.split(found[1].replace(",", " "))
    for option in ("--bind", "--workers"):
        at = words.index(option)
        del words[at : at + 2]
    return [sys.executable, "-m", "gunicorn", *words, "--workers", "1"]


@contextmanager
def serving(folder: Path, log: Path) -> Iterator[str]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "skinsite.settings.production",
        "SKINSITE_VAR": str(folder),
        "STATIC_ROOT": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'none.sqlite3'}",
        "SECRET_KEY": "a-key-for-this-test-alone-" * 3,
        "ALLOWED_HOSTS": "127.0.0.1",
        "LOG_LEVEL": "WARNING",
    }
    command = [*command_of_the_image(), "--bind", "127.0.0.1:0"]
    with log.open("w") as file, subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=file, stderr=file) as it:
        try:
            yield wait_for_address(log)
        finally:
            it.terminate()
            it.wait()


def wait_for_address(log: Path) -> str:
    for _try in range(300):
        if found := re.search(r"Listening at: (http://127\.0\.0\.1:\d+)", log.read_text()):
            return found[1]
        time.sleep(0.1)
    pytest.fail("gunicorn did not start")


def ask(address: str, **headers: str) -> int:
    """The status of the answer."""
    return urllib3.request("GET", address, headers=headers, redirect=False, timeout=30).status


def test_addresses_that_are_secrets_and_what_is_searched_for_stay_out_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(tmp_path, log) as site:
        live = urllib3.request("GET", f"{site}/health/live/", timeout=30)
        assert live.status == 200
        # Sent on to HTTPS, which is an ordinary answer.
        for path in ("/invitations/Zx9-secret-part/", "/set-password/MQ/abc123-d4e5/", "/history/?search=P-00042"):
            assert ask(site + path, Referer=f"{site}/invitations/Zx9-secret-part/") == 301
        # There are no tables, and no static files that its page could show.
        assert ask(f"{site}/invitations/Zx9-secret-part/", **{"X-Forwarded-Proto": "https"}) == 500
    written = log.read_text()
    assert re.search(rf"GET /health/live/ 200 .* request={live.headers['X-Request-ID']}", written)
    assert "GET /invitations/[hidden] 301" in written
    assert "GET /set-password/[hidden] 301" in written
    assert "GET /history/ 301" in written
    assert "Internal Server Error: /invitations/[hidden]" in written
    for secret in ("Zx9", "abc123", "P-00042"):
        assert secret not in written
