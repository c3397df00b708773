"""A disk that is full: nothing is half kept, everybody is told what to do, and readiness is red before and after."""

import contextlib
import errno
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from classifier.models import LesionImage, Patient
from skinsite.accounts.models import Membership
from skinsite.health import free_space
from skinsite.health.free_space import check_room, has_room
from skinsite.health.views import failed_checks
from skinsite.platform import disk
from skinsite.platform.bodies import REFUSED, take_bodies_first
from tests.classifier.conftest import draw_lesion
from tests.clients import sign_in_on_page

WORDS = "The disk of this service is full"
NO_SPACE = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    path = tmp_path / "lesion.jpg"
    path.write_bytes(draw_lesion())
    return path


@pytest.fixture
def site(owner: Membership, client: Client) -> Client:
    """A clinician's browser."""
    sign_in_on_page(client, owner)
    return client


def send(client: Client, photograph: Path) -> tuple[Any, Any]:
    """What the API and the page answer to an upload."""
    client.raise_request_exception = False
    with photograph.open("rb") as file:
        told = client.post("/api/v1/predictions/", {"image": file})
    with photograph.open("rb") as file:
        page = client.post(reverse("upload"), {"image": file, "modality": "dermoscopic", "new_patient": "on"})
    return told, page


@pytest.mark.usefixtures("store")
def test_a_full_disk_of_photographs(site: Client, photograph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise NO_SPACE

    monkeypatch.setattr(FileSystemStorage, "_save", fail)
    told, page = send(site, photograph)
    assert (told.status_code, told.json()["errors"][0]["code"]) == (503, "disk_full")
    assert "Retry-After" in told
    assert WORDS in told.json()["detail"]
    assert WORDS in page.content.decode()
    assert (LesionImage.objects.count(), Patient.objects.count()) == (0, 0)


def full_sqlite() -> Exception:
    try:
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            database.execute("PRAGMA max_page_count = 1")
            database.execute("CREATE TABLE a (b)")
            database.execute("CREATE TABLE c (d)")
    except sqlite3.OperationalError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("cause", [full_sqlite(), psycopg.errors.DiskFull("could not extend file")])
def test_a_full_disk_of_the_database(
    site: Client, store: Path, photograph: Path, monkeypatch: pytest.MonkeyPatch, cause: Exception
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise OperationalError(str(cause)) from cause

    monkeypatch.setattr(LesionImage.objects, "create", fail)
    told, page = send(site, photograph)
    assert (told.status_code, told.json()["errors"][0]["code"], page.status_code) == (503, "disk_full", 503)
    assert WORDS in told.json()["detail"]
    assert WORDS in page.content.decode()
    assert not [path for path in store.rglob("*") if path.is_file()]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own limit")
@pytest.mark.django_db
def test_sqlite_says_by_itself_that_it_is_full() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1")
        with pytest.raises(OperationalError) as caught:
            cursor.execute("CREATE TABLE no_room (content BLOB)")
        cursor.execute("PRAGMA max_page_count = 1073741823")
    assert disk.is_full(caught.value)
    assert not disk.is_full(OperationalError("database is locked"))
    assert not disk.is_full(None)


def test_a_full_folder_for_what_comes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _piece: bytes) -> None:
            raise NO_SPACE

        def close(self) -> None:
            pass

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda **_options: Full())
    answer = take_bodies_first(lambda environ, _start: [environ[REFUSED].encode()])
    source = (draw_lesion(),)
    assert list(answer({"wsgi.input": _Once(source[0]), "CONTENT_LENGTH": "5"}, None)) == [b"disk_full"]


class _Once:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int) -> bytes:
        return self._data[:size]


def test_room_is_looked_for_where_uploads_come_in_lie_and_are_written_of(settings: Settings, db: None) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(settings.VAR_DIR)
    expected = {"uploads that come in": Path(settings.VAR_DIR)}
    if connection.vendor == "sqlite":
        expected["the database"] = Path(str(connection.settings_dict["NAME"])).parent
    assert expected.items() <= free_space.folders().items()
    assert "photographs" in free_space.folders()
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": "skinsite.storage.bucket.PrivateS3Storage"}}
    assert "photographs" not in free_space.folders()


def test_there_is_room_now(tmp_path: Path) -> None:
    assert has_room(tmp_path)
    assert not has_room(tmp_path, size=shutil.disk_usage(tmp_path).total + 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
def test_a_quota_is_found_by_reserving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    def refuse(*_arguments: int) -> None:
        raise OSError(error, "no room")

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    assert not has_room(tmp_path)


def test_a_file_system_that_reserves_nothing_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "cannot")

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    assert has_room(tmp_path)


def test_no_room_is_red_with_a_remedy(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_space, "ROOM_BYTES", 10**18)
    monkeypatch.setattr(free_space, "has_room", lambda _folder: False)
    failed_checks.cache_clear()
    answer = client.get("/health/ready/")
    failed_checks.cache_clear()
    assert (answer.status_code, answer.json()["failed"]) == (503, ["room"])
    result = check_room()
    assert "left for uploads that come in (" in result.detail
    assert "Make room" in result.remedy
