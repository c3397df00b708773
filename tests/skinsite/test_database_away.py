"""A database that is away is told from one that was asked wrongly: the one passes, the other is a fault of ours."""

import contextlib
import sqlite3
from pathlib import Path

import psycopg
import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client
from pytest_django import Settings

from skinsite.platform.problems import is_database_away


def raised_from(cause: Exception) -> OperationalError:
    """What Django makes of a driver's error."""
    try:
        raise OperationalError(str(cause)) from cause
    except OperationalError as error:
        return error


def test_a_lock_of_sqlite_passes(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite3"
    with contextlib.closing(sqlite3.connect(file)) as one, contextlib.closing(sqlite3.connect(file, timeout=0)) as two:
        one.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError) as caught:
            two.execute("CREATE TABLE a (b)")
    assert is_database_away(raised_from(caught.value))


def test_a_file_of_sqlite_that_cannot_be_opened_is_away(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite3.connect(tmp_path / "no such folder" / "a.sqlite3")
    assert is_database_away(raised_from(caught.value))


@pytest.mark.parametrize("statement", ["SELECT a", "SELECT a FROM b", "SELEKT 1"])
def test_what_sqlite_was_asked_wrongly_is_a_fault(statement: str) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as database, pytest.raises(sqlite3.OperationalError) as caught:
        database.execute(statement)
    assert not is_database_away(raised_from(caught.value))


@pytest.mark.parametrize(
    ("cause", "away"),
    [
        (psycopg.OperationalError("connection refused"), True),
        (psycopg.errors.TooManyConnections(), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.StatementTooComplex(), False),
        (psycopg.errors.ProgramLimitExceeded(), False),
    ],
)
def test_what_postgresql_says(cause: Exception, away: bool) -> None:  # noqa: FBT001 an expected value
    assert is_database_away(raised_from(cause)) == away


def test_a_closed_connection_is_away_and_no_error_is_not() -> None:
    assert is_database_away(InterfaceError("already closed"))
    assert not is_database_away(LookupError("x"))
    assert not is_database_away(None)


@pytest.mark.django_db
def test_a_column_that_is_not_there_is_our_fault_on_pages_and_to_machines(client: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.skinsite.broken_urls"
    client.raise_request_exception = False
    page, told = client.get("/asked-wrongly/"), client.get("/api/asked-wrongly/")
    assert (page.status_code, told.status_code) == (500, 500)
    assert told.json()["errors"][0]["code"] == "error"
    assert "Retry-After" not in told
    assert b"secret" not in page.content + told.content
