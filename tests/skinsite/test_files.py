"""Files made outside of the service: static files that are collected, whole and readable, and a private database."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from skinsite.health import run_checks
from skinsite.health.files import static_age_fault, static_fault
from skinsite.health.system_checks import check_private_database, check_static_files
from skinsite.health.views import failed_checks
from skinsite.settings.storages import describe_storages
from tests.skinsite.test_settings import PRODUCTION, manage, run

HINT = "Run `python manage.py collectstatic --noinput`"


@pytest.fixture
def root(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """Where production's static files are looked for: nothing is there yet. What a test changes is `source`."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "page.css").write_text("body { margin: 0 }" * 100)
    (tmp_path / "collected").mkdir()
    settings.STATICFILES_DIRS = [tmp_path / "source"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.STORAGES = describe_storages(hashed_static=True)
    failed_checks.cache_clear()
    yield settings.STATIC_ROOT
    failed_checks.cache_clear()


def load_manifest() -> None:
    """Look at what is collected as a process does that has just started."""
    cast("Any", staticfiles_storage)._setup()


def collect() -> None:
    """Collect, and start anew."""
    call_command("collectstatic", interactive=False, verbosity=0)
    load_manifest()


def test_static_files_that_were_not_collected_are_told_everywhere(root: Path, client: Client, db: None) -> None:
    assert client.get("/health/ready/").json() == {"status": "unavailable", "failed": ["static_files"]}
    found = run_checks()
    assert found["static_files"].detail == f"static files have not been collected in {root}"
    assert found["static_files"].remedy.startswith(HINT)
    assert found["static_version"].detail == "not run: static_files has failed"
    (warning,) = check_static_files()
    assert (warning.id, str(warning.hint).startswith(HINT)) == ("skinsite.W003", True)


def test_collected_static_files_are_fine(root: Path, client: Client, db: None) -> None:
    collect()
    assert client.get("/health/ready/").status_code == 200
    assert (static_fault(), static_age_fault(), check_static_files()) == ("", "", [])


def test_a_file_that_a_new_version_brings_or_changes_is_missed(root: Path, tmp_path: Path) -> None:
    collect()
    source = tmp_path / "source"
    (source / "new.js").write_text("1")
    assert "missing or older than the code" in static_age_fault()
    assert [warning.id for warning in check_static_files()] == ["skinsite.W003"]
    collect()
    later = (source / "page.css").stat().st_mtime + 60
    os.utime(source / "page.css", (later, later))
    # The same content, checked out anew.
    assert static_age_fault() == ""
    (source / "page.css").write_text("body { margin: 1px }")
    os.utime(source / "page.css", (later, later))
    assert "such as page.css" in static_age_fault()


def test_a_damaged_manifest_and_a_lost_file_are_told(root: Path) -> None:
    collect()
    next(root.glob("page.*.css")).unlink()
    assert "(such as page." in static_fault()
    (root / "staticfiles.json").write_text("{")
    load_manifest()
    assert static_fault().startswith("static files have not been collected") or "cannot be read" in static_fault()


def test_every_collected_file_can_be_read_by_another_account(root: Path) -> None:
    collect()
    files = [path for path in root.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"staticfiles.json", "page.css", "page.css.gz"}
    assert {stat.S_IMODE(path.stat().st_mode) & 0o444 for path in files} == {0o444}


def test_an_error_has_a_page_without_static_files(root: Path, db: None) -> None:
    page = Client(raise_request_exception=False).get("/login/")
    assert page.status_code == 500
    assert "Something went wrong on our side" in page.content.decode()
    assert page["X-Request-ID"] in page.content.decode()
    assert "/static/" not in page.content.decode()
    russian = Client(raise_request_exception=False, headers={"accept-language": "ru"}).get("/login/").content.decode()
    assert '<html lang="ru">' in russian
    assert "Something" not in russian


def test_the_deployment_check_and_doctor_ask_for_collected_files(tmp_path: Path) -> None:
    variables = PRODUCTION | {"SKINSITE_VAR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path / 'x.sqlite3'}"}
    finished = manage("check", "--deploy", "--fail-level", "WARNING", **variables)
    assert finished.returncode == 1
    assert "skinsite.W003" in finished.stderr
    assert HINT in finished.stderr
    assert (
        f"wrong static_files    static files have not been collected in {tmp_path / 'static'}"
        in manage("doctor", "--no-color", **variables).stdout
    )


@pytest.fixture
def database(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A database that is a file, as another account sees it."""
    tmp_path.chmod(0o755)
    path = tmp_path / "skin.sqlite3"
    path.write_bytes(b"")
    path.chmod(0o644)
    # Not the setting as a whole: the connections of this test stay.
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(path))
    return path


def test_a_database_that_others_can_read_is_told(database: Path) -> None:
    (warning,) = check_private_database()
    assert (warning.id, "Other accounts of this machine can read" in warning.msg) == ("skinsite.W005", True)
    database.chmod(0o600)
    assert check_private_database() == []
    database.chmod(0o644)
    database.parent.chmod(0o700)
    assert check_private_database() == []


@pytest.mark.parametrize(
    ("folder", "file", "told"),
    [(0o711, 0o644, True), (0o744, 0o644, False), (0o750, 0o604, False), (0o750, 0o640, True), (0o701, 0o640, False)],
)
def test_who_may_pass_through_the_folder_can_open_the_database_by_its_name(
    database: Path, folder: int, file: int, *, told: bool
) -> None:
    database.chmod(file)
    database.parent.chmod(folder)
    assert [warning.id for warning in check_private_database()] == ["skinsite.W005"] * told


def test_migrating_closes_the_database_to_others(tmp_path: Path) -> None:
    path = tmp_path / "skin.sqlite3"
    path.write_bytes(b"")
    path.chmod(0o644)
    done = manage("migrate", module="development", SKINSITE_VAR=str(tmp_path), DATABASE_URL=f"sqlite:///{path}")
    assert done.returncode == 0, done.stderr
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("skin.sqlite3*")} == {0o600}


@pytest.mark.parametrize("program", [["worker"], ["beat", "--schedule"]], ids=["worker", "beat"])
def test_a_worker_starts_under_production_and_under_sound_settings_alone(program: list[str], tmp_path: Path) -> None:
    def told(**variables: str) -> str:
        command = [sys.executable, "-W", "ignore", "-m", "celery", "--app", "skinsite", *program]
        command += [str(tmp_path / "schedule")] if "--schedule" in program else []
        done = run(command, SKINSITE_VAR=str(tmp_path), **variables)
        assert done.returncode == 3
        assert "Traceback" not in done.stderr
        return done.stderr.splitlines()[-1]

    assert told().startswith("SECRET_KEY is not set")
    assert "BROKER_URL is not set, and a worker has no work without it." in told(**PRODUCTION)
    limits = {"BROKER_URL": "redis://127.0.0.1:1/0", "TASK_SOFT_SECONDS": "90", "TASK_HARD_SECONDS": "80"}
    assert "Set TASK_SOFT_SECONDS < TASK_HARD_SECONDS" in told(**limits, **PRODUCTION)
    assert told(DJANGO_SETTINGS_MODULE="skinsite.settings.prod").startswith("DJANGO_SETTINGS_MODULE is 'skinsite.")


def test_what_a_command_writes_is_for_its_own_account(tmp_path: Path) -> None:
    code = "from skinsite.platform.starting import start; start(lambda: None); open({!r}, 'w').close()"
    path = tmp_path / "written"
    environment = {"SKINSITE_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "skinsite.settings.development"}
    finished = run([sys.executable, "-c", code.format(str(path))], **environment)
    assert finished.returncode == 0, finished.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    database = tmp_path / "skinsite.sqlite3"
    assert (
        manage("migrate", "platform", "--skip-checks", module="development", SKINSITE_VAR=str(tmp_path)).returncode == 0
    )
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
