"""Counting what is limited: exactly the quota passes, on SQLite, PostgreSQL and Valkey, however many ask at once."""

import logging
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker, Settings

from skinsite.platform import cache as cache_module
from skinsite.platform.breaker import Breaker
from skinsite.platform.models import RateCount
from skinsite.platform.rate_limits import Standing, forget, give_back, look, spend, sweep_counts
from skinsite.settings.caches import describe_caches
from skinsite.settings.rates import Rate, read_rate
from tests.servers import create_postgres_database

ROOT = Path(__file__).parents[3]
QUOTA, TRIES = 100, 12  # 2 processes of 16 threads: 384 tries


@pytest.fixture
def limits(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Three uses in an hour, and no limit of one name."""
    settings.RATE_LIMITS = {"few": Rate(3, 3600), "other": Rate(3, 3600), "free": None, "short": Rate(1, 1)}
    monkeypatch.setattr(cache_module, "_breaker", Breaker("cache"))
    return settings


@pytest.fixture
def sqlite(limits: Settings, db: None) -> str:
    """Counts in SQLite."""
    return "default"


@pytest.fixture
def postgresql(limits: Settings, postgres: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Counts in PostgreSQL."""
    with django_db_blocker.unblock(), transaction.atomic(using=postgres):
        yield postgres
        transaction.set_rollback(True, using=postgres)


@pytest.fixture
def valkey(limits: Settings, db: None, valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Counts in Valkey."""
    monkeypatch.setenv("CACHE_URL", valkey_url.replace("/0", "/7"))
    limits.CACHES = describe_caches()
    with closing(redis.Redis.from_url(valkey_url.replace("/0", "/7"))) as server:
        server.flushdb()
    return "default"


@pytest.fixture(params=["sqlite", "postgresql", "valkey"])
def place(request: pytest.FixtureRequest) -> str:
    """Wherever counts may lie."""
    return str(request.getfixturevalue(request.param))


def spent(name: str, subject: object, using: str, *, cost: int = 1) -> Standing:
    """Spend where there is a limit."""
    standing = spend(name, subject, cost=cost, using=using)
    assert standing is not None
    return standing


def test_the_quota_passes_and_no_more(place: str) -> None:
    standings = [spent("few", "a", place) for _time in range(5)]
    assert [standing.passed for standing in standings] == [True, True, True, False, False]
    assert [standing.used for standing in standings] == [1, 2, 3, 3, 3]
    assert [standing.remaining for standing in standings] == [2, 1, 0, 0, 0]
    assert all(3590 <= standing.seconds_left <= 3600 for standing in standings)


def test_subjects_and_names_are_counted_apart(place: str) -> None:
    for _time in range(3):
        assert spent("few", "a", place).passed
    assert not spent("few", "a", place).passed
    assert spent("few", "b", place).passed
    assert spent("other", "a", place).passed


def test_a_cost_that_no_longer_fits_is_refused_and_a_smaller_one_is_not(place: str) -> None:
    assert spent("few", "a", place, cost=2).passed
    refused = spent("few", "a", place, cost=2)
    assert (refused.passed, refused.used) == (False, 2)
    assert spent("few", "a", place).passed
    assert not spent("few", "b", place, cost=4).passed
    assert spent("few", "b", place, cost=3).passed


def test_looking_counts_nothing(place: str) -> None:
    for _time in range(4):
        standing = look("few", "a", using=place)
        assert standing is not None
        assert (standing.passed, standing.used, standing.seconds_left) == (True, 0, 3600)
    spent("few", "a", place, cost=3)
    standing = look("few", "a", using=place)
    assert standing is not None
    assert (standing.passed, standing.used) == (False, 3)


def test_a_use_is_given_back_once_and_never_below_none(place: str) -> None:
    spent("few", "a", place, cost=3)
    give_back("few", "a", using=place)
    assert spent("few", "a", place).passed
    assert not spent("few", "a", place).passed
    for _time in range(5):
        give_back("few", "a", using=place)
        give_back("few", "b", using=place)
    assert spent("few", "a", place).used == 1
    assert spent("few", "b", place).used == 1


def test_forgetting_begins_anew(place: str) -> None:
    spent("few", "a", place, cost=3)
    forget("few", "a", using=place)
    assert spent("few", "a", place).used == 1


def test_a_window_ends_after_its_seconds_and_was_not_made_longer_by_what_was_refused(place: str) -> None:
    began = time.monotonic()
    assert spent("short", "a", place).passed
    while not spent("short", "a", place).passed:
        time.sleep(0.05)
        assert time.monotonic() - began < 5
    assert time.monotonic() - began >= 0.99


def test_a_lifted_limit_counts_nothing(limits: Settings, db: None) -> None:
    assert spend("free", "a") is None
    assert look("free", "a") is None
    assert RateCount.objects.count() == 0


def test_what_is_not_a_limit_is_a_fault(limits: Settings) -> None:
    with pytest.raises(KeyError):
        spend("unknown", "a")


@pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
def test_counts_whose_window_is_over_are_swept_and_others_stay(place: str) -> None:
    spent("few", "a", place)
    spent("few", "b", place)
    (first, _second) = RateCount.objects.using(place).order_by("key")
    RateCount.objects.using(place).filter(pk=first.pk).update(ends=1_000)
    sweep_counts(place)
    assert RateCount.objects.using(place).filter(pk=first.pk).count() == 0
    assert RateCount.objects.using(place).count() == 1


def test_neither_table_nor_cache_tells_whom_it_counts(sqlite: str) -> None:
    spent("few", "person@clinic.example", sqlite)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM platform_ratecount")
        ((key, *_rest),) = cursor.fetchall()
    assert len(key) == 64
    assert "person" not in key


def test_while_the_cache_is_away_the_database_counts(
    valkey: str, limits: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CACHE_URL", "redis://127.0.0.1:1/0")
    limits.CACHES = describe_caches()
    with caplog.at_level(logging.WARNING, "skinsite.platform.breaker"):
        assert [spent("few", "a", valkey).passed for _time in range(4)] == [True, True, True, False]
        give_back("few", "a")
        assert spent("few", "a", valkey).passed
    assert RateCount.objects.count() == 1


def test_the_cache_lets_its_counts_go_by_itself(valkey: str, valkey_url: str) -> None:
    spent("few", "a", valkey)
    assert RateCount.objects.count() == 0
    with closing(redis.Redis.from_url(valkey_url.replace("/0", "/7"))) as server:
        (key,) = server.keys("*")
        assert 0 < server.pttl(key) <= 3_600_000


def spend_in_two_processes(**variables: str) -> int:
    """Spend from 32 threads at once; how many uses passed."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "skinsite.settings.development", **variables}
    command = [sys.executable, "-m", "tests.skinsite.platform.spender", str(QUOTA), str(TRIES)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _process in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return sum(int(process.communicate(timeout=120)[0]) for process in processes)


def migrate_counts(**variables: str) -> None:
    """Make the one table."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "skinsite.settings.development", **variables}
    command = [sys.executable, "manage.py", "migrate", "platform", "--verbosity", "0", "--skip-checks"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120)


@pytest.fixture
def of_sqlite(tmp_path: Path) -> dict[str, str]:
    """The environment of processes that count in one SQLite file."""
    variables = {"SKINSITE_VAR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/counts.sqlite3", "CACHE_URL": ""}
    migrate_counts(**variables)
    return variables


@pytest.fixture
def of_postgresql(tmp_path: Path, postgres_server: str) -> dict[str, str]:
    """The environment of processes that count in PostgreSQL."""
    url = create_postgres_database(postgres_server)
    variables = {"SKINSITE_VAR": str(tmp_path), "DATABASE_URL": url, "CACHE_URL": ""}
    migrate_counts(**variables)
    return variables


@pytest.fixture
def of_valkey(tmp_path: Path, valkey_url: str) -> dict[str, str]:
    """The environment of processes that count in Valkey; without a table, so that nothing else can count."""
    with closing(redis.Redis.from_url(valkey_url.replace("/0", "/8"))) as server:
        server.flushdb()
    # Going over to a log written ahead, SQLite refuses another process at once instead of letting it wait.
    database = tmp_path / "empty.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    variables = {"SKINSITE_VAR": str(tmp_path), "DATABASE_URL": f"sqlite:///{database}"}
    return variables | {"CACHE_URL": valkey_url.replace("/0", "/8")}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "valkey"])
def test_of_many_threads_in_two_processes_exactly_the_quota_passes(kind: str, request: pytest.FixtureRequest) -> None:
    variables: dict[str, str] = request.getfixturevalue(f"of_{kind}")
    assert spend_in_two_processes(**variables) == QUOTA


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("120/minute", Rate(120, 60)),
        ("5/Second", Rate(5, 1)),
        ("1/day", Rate(1, 86400)),
        ("none", None),
        ("", Rate(7, 3600)),
    ],
)
def test_rates_are_read_from_the_environment(text: str, rate: Rate | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_RATE", text)
    assert read_rate("A_RATE", "7/hour") == rate


@pytest.mark.parametrize("text", ["0/minute", "10", "١٠/minute", "10/week", "-1/hour", "many", "1.5/day"])
def test_what_is_no_rate_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_RATE", text)
    with pytest.raises(ImproperlyConfigured, match=r"A_RATE is .*; set a number per second"):
        read_rate("A_RATE", "7/hour")
