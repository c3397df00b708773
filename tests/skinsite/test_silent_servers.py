"""What does not answer is given up in seconds, and takes nothing else with it."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client
from pytest_django import Settings

from classifier.models import LesionImage
from skinsite.accounts.models import Membership
from skinsite.health import CheckResult, limits, register_check, registry, run_checks
from skinsite.health.views import failed_checks
from skinsite.platform import breaker
from skinsite.settings.storages import describe_storages
from skinsite.storage import bucket
from skinsite.storage.bucket import BucketSilentError
from tests.classifier.conftest import draw_lesion

NAME = "images/6f1c0d0e-8a5e-4f0a-9a57-3b8f2f0f6a11.jpg"


@pytest.fixture
def silent_address() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def silent_bucket(silent_address: str, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Any]:
    for name, value in {
        "S3_BUCKET": "photographs",
        "S3_ENDPOINT_URL": silent_address,
        "S3_REGION": "eu-central-1",
        "S3_ACCESS_KEY": "key",
        "S3_SECRET_KEY": "secret",
        "S3_ADDRESSING": "path",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bucket, "READ_SECONDS", 1)
    monkeypatch.setattr(bucket, "_breaker", breaker.Breaker("bucket of photographs"))
    settings.STORAGES = describe_storages()
    failed_checks.cache_clear()
    yield storages["default"]
    failed_checks.cache_clear()


def seconds_of(action: Any) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def test_the_time_that_is_given_to_a_bucket_is_seconds() -> None:
    storage = bucket.PrivateS3Storage(bucket_name="photographs", region_name="eu-central-1")
    config = storage.client_config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (3, 10, 3)
    assert storage.transfer_config.num_download_attempts == 3


def test_what_is_said_of_a_bucket_stays_beside_its_times(silent_bucket: Any) -> None:
    config = silent_bucket.client_config
    assert (config.signature_version, config.s3["addressing_style"], config.read_timeout) == ("s3v4", "path", 1)


def fail(action: Any) -> None:
    with pytest.raises(Exception, match=r"."):
        action()


@pytest.mark.parametrize(
    "ask",
    [
        lambda storage: storage.save(NAME, ContentFile(b"pixels")),
        lambda storage: storage.open(NAME).read(),
        lambda storage: storage.exists(NAME),
        lambda storage: storage.delete(NAME),
        lambda storage: storage.listdir("images"),
        lambda storage: storage.get_modified_time(NAME),
    ],
    ids=["save", "open", "exists", "delete", "list", "time"],
)
def test_a_bucket_that_hangs_is_given_up_and_then_left_alone(silent_bucket: Any, ask: Any) -> None:
    assert seconds_of(lambda: fail(lambda: ask(silent_bucket))) < 5
    assert seconds_of(lambda: fail(lambda: ask(silent_bucket))) < 0.5
    with pytest.raises(BucketSilentError):
        silent_bucket.connection.meta.client.head_object(Bucket="photographs", Key="key")


@pytest.mark.django_db
def test_an_upload_to_a_bucket_that_hangs_is_a_problem_in_seconds(
    silent_bucket: Any, owner: Membership, client: Client, tmp_path: Path
) -> None:
    client.raise_request_exception = False
    client.force_login(owner.user)
    photograph = tmp_path / "lesion.jpg"
    photograph.write_bytes(draw_lesion())
    client.get("/api/v1/patients/")
    began = time.monotonic()
    with photograph.open("rb") as file:
        answer = client.post("/api/v1/predictions/", {"image": file})
    assert time.monotonic() - began < 10
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "storage_unavailable")
    assert not LesionImage.objects.exists()


@pytest.mark.django_db
def test_readiness_of_a_bucket_that_hangs_is_told_in_seconds(silent_bucket: Any, client: Client) -> None:
    began = time.monotonic()
    answer = client.get("/health/ready/")
    assert time.monotonic() - began < 10
    assert (answer.status_code, answer.json()["failed"]) == (503, ["storage"])


def test_a_bucket_that_answers_again_is_asked_again(silent_bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "SECONDS_LEFT_ALONE", 0.2)
    fail(lambda: silent_bucket.save(NAME, ContentFile(b"pixels")))
    time.sleep(0.3)
    assert seconds_of(lambda: fail(lambda: silent_bucket.save(NAME, ContentFile(b"pixels")))) > 0.9


# Checks of health have a limit of their own, whatever they wait for.


@pytest.fixture
def _own_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_checks", {})
    monkeypatch.setattr(limits, "_asked", {})


@pytest.mark.usefixtures("_own_checks")
def test_a_check_that_waits_for_ever_has_failed_and_is_not_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", 0.3)
    asked, go_on = [], threading.Event()

    @register_check("waits", remedy="Start it.")
    def _wait() -> CheckResult:
        asked.append(1)
        go_on.wait(60)
        return CheckResult(ok=True)

    @register_check("quick")
    def _quick() -> CheckResult:
        return CheckResult(ok=True)

    assert seconds_of(run_checks) < 3
    results = run_checks()
    assert (results["waits"].ok, results["waits"].remedy, results["quick"].ok) == (False, "Start it.", True)
    assert results["waits"].detail == "TimeoutError: still no answer"
    assert asked == [1]
    go_on.set()
    limits._asked["waits"].thread.join()
    assert run_checks()["waits"].ok
    assert asked == [1, 1]


@pytest.mark.usefixtures("_own_checks")
def test_two_who_ask_at_one_moment_share_what_the_check_gives() -> None:
    asked, begun, go_on = [], threading.Event(), threading.Event()

    @register_check("takes a while")
    def _take_a_while() -> CheckResult:
        asked.append(1)
        begun.set()
        go_on.wait(4)
        return CheckResult(ok=True)

    with ThreadPoolExecutor(2) as probes:
        first = probes.submit(run_checks)
        begun.wait(4)
        second = probes.submit(run_checks)
        wait([second], timeout=0.3)
        go_on.set()
        assert [probe.result()["takes a while"].ok for probe in (first, second)] == [True, True]
    assert asked == [1]


@pytest.mark.usefixtures("_own_checks")
def test_what_a_check_raises_is_told_as_before() -> None:
    @register_check("broken", remedy="Mend it.")
    def _broken() -> CheckResult:
        raise ValueError("no such thing")

    assert run_checks()["broken"] == CheckResult(ok=False, detail="ValueError: no such thing", remedy="Mend it.")
