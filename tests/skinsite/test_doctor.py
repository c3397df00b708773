"""`doctor` names what is wrong and what to do about it."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from tests.triggers import lifted_triggers

CHECKS = [
    "database",
    "append_only",
    "storage",
    "broker",
    "worker",
    "schedule",
    "cache",
    "demonstration",
    "superusers",
    "clock",
    "recorded_times",
    "proxies",
    "static_files",
    "static_version",
    "private",
    "room",
    "free_space",
    "trail",
    "directories",
    "bundle",
    "photographs",
    "queue",
]


def examine() -> tuple[int, dict[str, str]]:
    """Run the command: its exit code, and what it says of each check, the remedy with it."""
    out = StringIO()
    try:
        call_command("doctor", stdout=out, no_color=True)
        code = 0
    except SystemExit as left:
        code = int(left.code or 0)
    said: dict[str, str] = {}
    name = ""
    for line in out.getvalue().splitlines():
        name = name if line.startswith(" ") else line.split()[1]
        said[name] = f"{said.get(name, '')} {line.strip()}".strip()
    return code, said


@pytest.mark.django_db
def test_every_part_is_examined() -> None:
    _code, said = examine()
    assert list(said) == CHECKS


@pytest.mark.django_db
def test_a_site_without_a_model_is_told_how_to_get_one() -> None:
    code, said = examine()
    assert code == 1
    assert said["bundle"].startswith("wrong")
    assert "register_model PATH --activate" in said["bundle"]
    assert [name for name, text in said.items() if not text.startswith("ok")] == ["bundle"]


@pytest.mark.django_db(transaction=True)
def test_missing_triggers_are_found_and_the_remedy_is_migrate() -> None:
    with lifted_triggers():
        code, said = examine()
    assert connection.vendor == "sqlite"
    assert code == 1
    assert said["append_only"].startswith("wrong")
    assert "manage.py migrate" in said["append_only"]
    assert examine()[1]["append_only"].startswith("ok")
