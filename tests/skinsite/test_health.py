"""Health: what a probe is told, and what whoever runs the service is."""

from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from skinsite.audit.models import AuditEvent, EventKind
from skinsite.health import CheckResult, register_check, registry, run_checks
from skinsite.health.checks import (
    check_broker,
    check_clock,
    check_database,
    check_schedule,
    check_storage,
    check_worker,
)
from skinsite.health.models import CLOCK, Heartbeat, note_heartbeat
from skinsite.health.views import SECONDS_KEPT, failed_checks
from skinsite.storage.private import private_storage
from tests.triggers import lifted_triggers

UNKNOWN_HOST = {"host": "10.1.2.3:8000"}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Each test asks for itself."""
    failed_checks.cache_clear()


@pytest.fixture
def _own_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry for this test alone."""
    monkeypatch.setattr(registry, "_checks", {})


def test_alive_asks_nothing_of_the_database(client: Client) -> None:
    response = client.get("/health/live/", headers=UNKNOWN_HOST)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response["Cache-Control"]


def test_ready_with_everything_there(client: Client, db: None) -> None:
    response = client.get("/health/ready/", headers=UNKNOWN_HOST)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_a_probe_needs_no_https(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/health/live/").status_code == 200
    assert client.get("/login/").status_code == 301


def test_not_ready_names_the_check_and_nothing_else(client: Client, db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER audit_auditevent_refuse_delete")
    response = client.get("/health/ready/")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "failed": ["append_only"]}
    assert "missing triggers: audit_auditevent_refuse_delete" in run_checks()["append_only"].detail


@pytest.mark.usefixtures("_own_checks")
def test_a_check_that_raises_has_failed_and_strangers_do_not_learn_why(client: Client) -> None:
    @register_check("bucket")
    def check() -> CheckResult:
        msg = "password=secret"
        raise ConnectionError(msg)

    response = client.get("/health/ready/")
    assert response.json() == {"status": "unavailable", "failed": ["bucket"]}
    assert "secret" not in response.content.decode()
    assert run_checks()["bucket"].detail == "ConnectionError: password=secret"


@pytest.mark.usefixtures("_own_checks")
def test_a_check_for_the_doctor_alone_does_not_stop_requests(client: Client) -> None:
    @register_check("bundle", needed_for_ready=False)
    def check() -> CheckResult:
        return CheckResult(ok=False, detail="none", remedy="Register one.")

    assert client.get("/health/ready/").status_code == 200
    assert run_checks() == {"bundle": CheckResult(ok=False, detail="none", remedy="Register one.")}


@pytest.mark.usefixtures("_own_checks")
def test_strangers_who_ask_often_run_the_checks_once_and_the_doctor_every_time(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    @register_check("storage")
    def check() -> CheckResult:
        ran.append("storage")
        return CheckResult(ok=len(ran) > 1)

    now = 1000.0 * SECONDS_KEPT
    monkeypatch.setattr("skinsite.health.views.time.monotonic", lambda: now)
    assert [client.get("/health/ready/").status_code for _time in range(5)] == [503] * 5
    assert len(ran) == 1
    now += SECONDS_KEPT
    assert client.get("/health/ready/").status_code == 200
    run_checks()
    run_checks()
    assert len(ran) == 4


def test_probes_of_the_storage_leave_one_object_however_they_end(db: None) -> None:
    for _time in range(3):
        assert check_storage().ok
    assert private_storage().listdir("health") == ([], ["probe"])


def test_probes_only_ask(client: Client) -> None:
    assert client.post("/health/live/").status_code == 405


def test_the_database_and_the_storage_work(db: None) -> None:
    assert check_database() == CheckResult(ok=True, detail=connection.vendor)
    assert check_storage().ok


def test_one_event_from_a_clock_in_the_future_is_told_to_the_doctor_and_stops_nothing(client: Client, db: None) -> None:
    assert run_checks()["recorded_times"].ok
    record_event(timedelta(days=365))

    assert client.get("/health/ready/").status_code == 200
    result = run_checks()["recorded_times"]
    assert not result.ok
    assert "clock" in result.remedy


def test_an_event_from_the_future_is_forgotten_once_clocks_are_right(db: None) -> None:
    record_event(timedelta(days=365))
    AuditEvent.objects.bulk_create(AuditEvent(kind=EventKind.CHANGE, action="user.created") for _number in range(100))
    assert run_checks()["recorded_times"].ok


def record_event(ahead: timedelta) -> None:
    """Record an event by a clock that is ahead."""
    with lifted_triggers():
        AuditEvent.objects.create(kind=EventKind.CHANGE, action="user.created", at=timezone.now() + ahead)


def test_a_machine_whose_clock_is_away_from_the_databases_is_not_ready(
    postgres: str, monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker
) -> None:
    monkeypatch.setattr("skinsite.health.checks.connection", connections[postgres])
    with django_db_blocker.unblock():
        assert check_clock().ok
        ahead = timezone.now() + timedelta(minutes=10)
        monkeypatch.setattr("skinsite.health.checks.timezone.now", lambda: ahead)
        result = check_clock()
    assert not result.ok
    assert "the database's clock says" in result.detail


def test_a_broker_is_asked_for_only_where_it_is_used(settings: Settings) -> None:
    settings.PREDICTION_MODE = "synchronous"
    assert check_broker().ok


def test_a_broker_that_answers(settings: Settings, valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PREDICTION_MODE = "celery"
    monkeypatch.setattr("skinsite.platform.celery.app.conf.broker_url", valkey_url)
    monkeypatch.setattr("skinsite.platform.celery.app.conf.broker_write_url", valkey_url)
    assert check_broker().ok


def test_a_broker_that_is_gone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PREDICTION_MODE = "celery"
    monkeypatch.setattr("skinsite.platform.celery.app.conf.broker_write_url", "redis://127.0.0.1:1/0")
    results = run_checks()
    assert not results["broker"].ok
    assert results["broker"].remedy
    assert "broker" not in run_checks(only_ready=True)  # photographs are taken without it
    assert results["worker"].detail == "not run: broker has failed"


def test_the_doctor_misses_a_worker_and_a_clock(
    db: None, settings: Settings, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PREDICTION_MODE = "celery"
    for name in ("broker_url", "broker_write_url", "broker_read_url"):
        monkeypatch.setattr(f"skinsite.platform.celery.app.conf.{name}", f"{valkey_url.rpartition('/')[0]}/15")

    assert check_worker().detail == "no worker answers"
    assert "celery --app skinsite worker" in check_worker().remedy
    assert "no clock" in check_schedule().detail
    note_heartbeat(CLOCK)
    assert check_schedule().ok
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=6))
    assert not check_schedule().ok
    assert "celery --app skinsite beat" in check_schedule().remedy
