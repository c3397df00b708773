"""Settings: production starts only with what it needs, a laptop with nothing, and what is wrong is named."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from ml.serve.image_limits import LIMITS, MEGABYTE
from skinsite.settings import domain
from skinsite.settings.databases import describe_database
from skinsite.settings.env import Environment
from skinsite.settings.local_secret import local_secret
from tests.servers import create_postgres_database

ROOT = Path(__file__).parent.parent.parent
SECRET = "5u8Wq-Lr0ZcY3vT7nB1xKdE9hGfJ2mP4sA6tUoIiQyVwRzXeNbMkLpHgFdSaCj"
PRODUCTION = {
    "SECRET_KEY": SECRET,
    "ALLOWED_HOSTS": "skin.example.org",
    "DATABASE_URL": "postgresql://skin:secret@database.example.org/skin",
    "PROXY_COUNT": "1",
}
CHECK = ["check", "--deploy", "--fail-level", "WARNING"]


def run(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process that knows these variables alone."""
    environment = {"PATH": os.environ["PATH"], "NO_ALBUMENTATIONS_UPDATE": "1", **variables}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def manage(*arguments: str, module: str = "production", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py under the settings of this module."""
    settings_module = f"skinsite.settings.{module}"
    return run([sys.executable, "manage.py", *arguments], DJANGO_SETTINGS_MODULE=settings_module, **variables)


def test_production_is_clean_by_the_deployment_check(tmp_path: Path) -> None:
    collect_quickly(tmp_path / "static")
    finished = manage(*CHECK, SKINSITE_VAR=str(tmp_path), **PRODUCTION)
    assert (finished.returncode, finished.stderr) == (0, "")
    # The two: Django would have every name under the site's on HTTPS.
    assert finished.stdout == "System check identified no issues (2 silenced).\n"


def collect_quickly(root: Path) -> None:
    """Put static files where `collectstatic` does, without hashing and compressing them, which takes a minute."""
    names = {}
    for finder in get_finders():
        for name, storage in finder.list([]):
            copy = root / name
            names[name] = name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(storage.path(name), copy)
    (root / "staticfiles.json").write_text(json.dumps({"version": "1.1", "paths": names, "hash": ""}))


@pytest.mark.parametrize(
    ("missing", "remedy"),
    [
        ("SECRET_KEY", "SECRET_KEY_FILE"),
        ("ALLOWED_HOSTS", "ALLOWED_HOSTS=skin.example.org"),
        ("DATABASE_URL", "postgresql://USER:PASSWORD@HOST/NAME"),
    ],
)
def test_production_names_what_is_missing_and_the_remedy(tmp_path: Path, missing: str, remedy: str) -> None:
    variables = {name: value for name, value in PRODUCTION.items() if name != missing}
    finished = manage("check", SKINSITE_VAR=str(tmp_path), **variables)
    assert finished.returncode == 2
    assert finished.stderr.startswith(f"{missing} is not set, and production does not start without it.")
    assert remedy in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_a_secret_can_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET + "\n")
    variables = PRODUCTION | {"SECRET_KEY": "", "SECRET_KEY_FILE": str(tmp_path / "key")}
    assert manage("check", SKINSITE_VAR=str(tmp_path), **variables).returncode == 0


def test_contradicting_time_limits_do_not_start(tmp_path: Path) -> None:
    finished = manage("check", SKINSITE_VAR=str(tmp_path), TASK_SOFT_SECONDS="90", **PRODUCTION)
    assert finished.returncode == 1
    assert "soft 90 s, hard 50 s, visibility 300 s" in finished.stderr


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_a_server_does_not_start_with_them_either(tmp_path: Path, server: str) -> None:
    def start(**variables: str) -> subprocess.CompletedProcess[str]:
        return run([sys.executable, "-c", f"import skinsite.{server}"], SKINSITE_VAR=str(tmp_path), **variables)

    assert start(**PRODUCTION).returncode == 0
    refused = start(TASK_SOFT_SECONDS="90", **PRODUCTION)
    assert refused.returncode == 3
    assert refused.stderr.count("\n") == 1
    assert "Set TASK_SOFT_SECONDS < TASK_HARD_SECONDS < TASK_VISIBILITY_SECONDS." in refused.stderr


def test_a_laptop_makes_its_own_secret_and_keeps_it(tmp_path: Path) -> None:
    code = "from django.conf import settings; print(settings.SECRET_KEY, settings.DEBUG)"
    first = manage("shell", "--no-imports", "-c", code, module="development", SKINSITE_VAR=str(tmp_path))
    again = manage("shell", "--no-imports", "-c", code, module="development", SKINSITE_VAR=str(tmp_path))
    secret, debug = first.stdout.split()
    assert (len(secret), debug) == (64, "False")
    assert again.stdout == first.stdout
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_two_laptops_have_two_secrets(tmp_path: Path) -> None:
    assert local_secret(tmp_path / "one") != local_secret(tmp_path / "two")


def test_sqlite_runs_with_a_log_that_readers_do_not_wait_for(tmp_path: Path) -> None:
    code = (
        "from django.db import connection as c\n"
        "cursor = c.cursor()\n"
        "for name in ('journal_mode', 'busy_timeout', 'foreign_keys', 'synchronous'):\n"
        "    print(cursor.execute(f'PRAGMA {name}').fetchone()[0])\n"
    )
    finished = manage("shell", "--no-imports", "-c", code, module="development", SKINSITE_VAR=str(tmp_path))
    assert finished.stdout.split() == ["wal", "20000", "1", "1"]


def test_sqlite_takes_the_write_lock_at_the_start_of_a_transaction() -> None:
    described = describe_database({"ENGINE": "django.db.backends.sqlite3", "NAME": "x"})
    assert described["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_postgresql_keeps_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://skin:p%40ss@db.example.org:5433/skin")
    described = describe_database(Environment().database("DATABASE_URL"))
    assert described["ENGINE"] == "django.db.backends.postgresql"
    assert (described["USER"], described["PASSWORD"], described["PORT"]) == ("skin", "p@ss", 5433)
    assert (described["HOST"], described["CONN_HEALTH_CHECKS"]) == ("db.example.org", True)


def test_another_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://u:p@h/n")
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL begins with 'mysql'; set postgresql"):
        Environment().database("DATABASE_URL")


@pytest.mark.parametrize("value", ["five", "-1", "0", "1.5", "257", "1_0"])
def test_a_bad_number_names_its_variable(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("INFERENCE_THREADS", value)
    with pytest.raises(ImproperlyConfigured, match=f"INFERENCE_THREADS is '{value}'; set a whole number of at least 1"):
        Environment().number("INFERENCE_THREADS", 1, minimum=1, maximum=256)


def test_a_bad_switch_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHIND_PROXY", "maybe")
    with pytest.raises(ImproperlyConfigured, match="BEHIND_PROXY is 'maybe'; set 1 or 0"):
        Environment().switch("BEHIND_PROXY", default=True)


@pytest.mark.parametrize(("value", "expected"), [("", True), ("1", True), ("off", False), ("FALSE", False)])
def test_switches(monkeypatch: pytest.MonkeyPatch, value: str, *, expected: bool) -> None:
    monkeypatch.setenv("BEHIND_PROXY", value)
    assert Environment().switch("BEHIND_PROXY", default=True) is expected


def test_a_megabyte_is_the_same_in_settings_and_in_limits_of_photographs() -> None:
    assert django_settings.MEGABYTE == MEGABYTE == 1_000_000


def test_a_photograph_at_the_limit_passes_with_its_form() -> None:
    assert LIMITS.max_bytes + django_settings.MEGABYTE < django_settings.REQUEST_MAX_BYTES


def test_a_database_that_cannot_keep_every_letter_is_refused_before_it_is_migrated(
    postgres_server: str, tmp_path: Path
) -> None:
    address = create_postgres_database(
        postgres_server, options="ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    variables = {"SKINSITE_VAR": str(tmp_path), "DATABASE_URL": address}
    refused = manage("migrate", module="development", **variables)
    assert refused.returncode != 0
    assert "The database keeps letters in SQL_ASCII, which not all fit into." in refused.stderr
    assert "createdb --encoding UTF8" in refused.stderr
    told = manage("doctor", "--no-color", module="development", **variables).stdout
    assert "wrong database        the database keeps letters in SQL_ASCII" in told


def test_an_application_completes_dictionaries_at_every_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("application.settings")
    vars(module).update(LOGGING={"loggers": {"loud": {"level": "ERROR"}}}, RATE=2, no_setting=1)
    monkeypatch.setitem(sys.modules, "application", ModuleType("application"))
    monkeypatch.setitem(sys.modules, "application.settings", module)
    settings = {"LOGGING": {"version": 1, "loggers": {"axes": {"level": "WARNING"}}}, "RATE": 1}
    domain.complete(settings, "application")
    loggers = {"axes": {"level": "WARNING"}, "loud": {"level": "ERROR"}}
    assert settings == {"LOGGING": {"version": 1, "loggers": loggers}, "RATE": 2}
