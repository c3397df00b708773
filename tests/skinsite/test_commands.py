"""Commands tell a fault of their arguments or of the database in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skinsite.test_make_run import PROJECT


def manage(folder: Path, *arguments: str, **environment: str) -> tuple[int, list[str]]:
    """The exit code of a command in a site of its own, and its lines on standard error."""
    site = {"DJANGO_SETTINGS_MODULE": "skinsite.settings.development", "SKINSITE_VAR": str(folder)} | environment
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | site,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(
    "arguments",
    [
        ("process_queue",),
        ("create_clinic", "Skin", "--admin", "head@clinic.example"),
        ("create_api_token", "head@clinic.example"),
        ("create_demo",),
        ("reproduce", "00000000-0000-4000-8000-000000000000"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_unmigrated_database_is_told_with_the_remedy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, told = manage(tmp_path, *arguments)
    assert code == 2
    assert len(told) == 1
    assert "migrations have not run. Run `python manage.py migrate`" in told[0]


def test_a_database_that_does_not_answer_is_told_with_the_remedy(tmp_path: Path) -> None:
    code, told = manage(tmp_path, "process_queue", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert code == 2
    assert len(told) == 1
    assert told[0].endswith("Start the database, or correct DATABASE_URL.")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("create_api_token", "head@clinic.example", "--days", "x"), "argument --days: invalid int value: 'x'"),
        (("predict",), "the following arguments are required: PATH"),
        (("evaluate_model", "--images", ".", "--truth", "t.csv", "--fold", "9"), "argument --fold: invalid choice"),
    ],
    ids=["create_api_token", "predict", "evaluate_model"],
)
def test_a_wrong_argument_is_told_without_usage(tmp_path: Path, arguments: tuple[str, ...], fault: str) -> None:
    code, told = manage(tmp_path, *arguments)
    assert code == 2
    assert len(told) == 1
    assert told[0].startswith(f"manage.py {arguments[0]}: {fault}")
    assert told[0].endswith(f"see manage.py {arguments[0]} --help")


def test_the_doctor_runs_nothing_on_a_database_that_has_failed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--no-color"],
        cwd=PROJECT,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "skinsite.settings.development",
            "SKINSITE_VAR": str(tmp_path),
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "PREDICTION_MODE": "celery",
            "BROKER_URL": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (1, "")
    assert "Start the database, or correct DATABASE_URL." in lines[1]
    not_run = [line.split()[1] for line in lines if "not run: database has failed" in line]
    asked_of_it = ["append_only", "demonstration", "superusers", "clock", "trail", "bundle", "photographs", "queue"]
    assert not_run == asked_of_it
    assert any("Set BROKER_URL" in line for line in lines)
    assert not any("See the message" in line for line in lines)
