"""The chain of events: sealed in batches, verified link by link, on SQLite and on a real PostgreSQL."""

import hashlib
import json
import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from skinsite.accounts.models import Clinic
from skinsite.audit import seals, verification
from skinsite.audit.models import AuditCheckpoint, AuditEvent, AuditPayload, AuditSeal, AuditSubject, EventKind, Warrant
from skinsite.audit.seals import log_heads, seal_events
from skinsite.audit.verification import verify_trail
from skinsite.health.trail import check_trail
from tests.triggers import lifted_triggers


def record(alias: str, count: int, clinic: Clinic | None = None, **fields: Any) -> list[AuditEvent]:
    """Events with what they say, as the writer of events writes them."""
    events = []
    for number in range(count):
        payload = AuditPayload(salt=f"{number:032}", details=json.dumps({"number": number}))
        event = AuditEvent(kind=EventKind.CHANGE, action="user.created", clinic=clinic, **fields)
        event.payload_sha256 = payload.digest([("classifier.Patient", str(number))])
        event.save(using=alias)
        payload.event = event
        payload.save(using=alias, force_insert=True)
        AuditSubject.objects.using(alias).create(event=event, record_type="classifier.Patient", record_id=str(number))
        events.append(event)
    return events


def new_clinic(alias: str, slug: str) -> Clinic:
    """A clinic in this database."""
    return Clinic.objects.using(alias).create(name=slug, slug=slug)


def chain_of(alias: str, number: int) -> list[tuple[int, int]]:
    """A chain's numbers with their events."""
    found = AuditSeal.objects.using(alias).filter(chain=number).order_by("number")
    return list(found.values_list("number", "event"))


def test_events_are_chained_by_clinic_in_batches_and_each_once(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "BATCH", 3)
    north, south = new_clinic(alias, "north"), new_clinic(alias, "south")
    first, second = record(alias, 4, north), record(alias, 2, south)
    nowhere = record(alias, 1)
    assert seal_events(using=alias) == 7
    assert seal_events(using=alias) == 0
    later = record(alias, 1, north)
    assert seal_events(using=alias) == 1
    assert chain_of(alias, north.pk) == [(number, each.pk) for number, each in enumerate(first + later, start=1)]
    assert chain_of(alias, south.pk) == [(number, each.pk) for number, each in enumerate(second, start=1)]
    assert chain_of(alias, 0) == [(1, nowhere[0].pk)]
    verdict = verify_trail(using=alias)
    assert (verdict.broken, verdict.checked, verdict.erased, verdict.former) == ("", 8, 0, 0)


def test_the_hash_of_a_link_can_be_worked_out_by_hand(alias: str) -> None:
    (event,) = record(alias, 1)
    seal_events(using=alias)
    at = event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
    row = f'{{"action":"user.created","at":"{at}","id":{event.pk},"kind":"change",'
    row += f'"payload_sha256":"{event.payload_sha256}"}}'
    expected = hashlib.sha256(f"{'0' * 64}\n1\n{row}".encode()).hexdigest()
    assert AuditSeal.objects.using(alias).get().sha256 == expected


def test_an_event_committed_late_is_still_sealed_and_one_of_days_ago_by_the_work_of_the_night(alias: str) -> None:
    with lifted_triggers(alias):
        (early,) = record(alias, 1, at=timezone.now() - timedelta(days=3))
    record(alias, 2)
    assert seal_events(using=alias) == 2
    assert seal_events(using=alias, everything=True) == 1
    assert chain_of(alias, 0)[-1] == (3, early.pk)
    assert verify_trail(using=alias).broken == ""


SEALED, WRITTEN = "is not as it was sealed", "is not as it was written"
FORGERIES = {
    "action of an event": (
        "UPDATE audit_auditevent SET action = 'user.forged' WHERE id = {}",
        "is not as it was sealed",
    ),
    "time of an event": (
        "UPDATE audit_auditevent SET at = '2020-01-01 00:00:00' WHERE id = {}",
        "is not as it was sealed",
    ),
    "hash of a payload": ("UPDATE audit_auditevent SET payload_sha256 = '' WHERE id = {}", SEALED),
    "details": ("UPDATE audit_auditpayload SET details = '{{}}' WHERE event_id = {}", WRITTEN),
    "salt": ("UPDATE audit_auditpayload SET salt = '1' WHERE event_id = {}", WRITTEN),
    "record shown": ("DELETE FROM audit_auditsubject WHERE event_id = {}", WRITTEN),
    "record added": (
        "INSERT INTO audit_auditsubject (event_id, record_type, record_id) VALUES ({}, 'a', 'b')",
        "written",
    ),
    "payload without a warrant": ("DELETE FROM audit_auditpayload WHERE event_id = {}", "is gone without a warrant"),
    "seal": ("UPDATE audit_auditseal SET sha256 = '0' WHERE event_id = {}", SEALED),
    "place in the chain": ("DELETE FROM audit_auditseal WHERE event_id = {}", "number 2 of chain 0 is gone"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_an_owner_of_the_tables_changes_is_named(alias: str, forgery: str) -> None:
    statement, told = FORGERIES[forgery]
    events = record(alias, 4)
    seal_events(using=alias)
    with lifted_triggers(alias), connections[alias].cursor() as cursor:
        cursor.execute(statement.format(events[1].pk))
    verdict = verify_trail(using=alias)
    assert told in verdict.broken
    assert verdict.checked == 1
    named = re.findall(r"event (\d+)", verdict.broken)
    assert named in ([], [str(events[1].pk)])


def test_what_was_erased_by_a_warrant_still_verifies_and_is_counted(alias: str) -> None:
    events = record(alias, 3)
    seal_events(using=alias)
    hour = timezone.now() + timedelta(hours=1)
    Warrant.objects.using(alias).create(
        object_type="audit.AuditPayload",
        object_id=str(events[1].pk),
        asker="a patient",
        executor="an administrator",
        reason="asked to be forgotten",
        expires_at=hour,
    )
    AuditPayload.objects.using(alias).filter(pk=events[1].pk).delete()
    verdict = verify_trail(using=alias)
    assert (verdict.broken, verdict.checked, verdict.erased) == ("", 3, 1)


def test_an_event_of_the_version_before_is_sealed_and_counted(alias: str) -> None:
    AuditEvent.objects.using(alias).create(kind=EventKind.CHANGE, action="user.created")
    seal_events(using=alias)
    verdict = verify_trail(using=alias)
    assert (verdict.broken, verdict.checked, verdict.former) == ("", 1, 1)


def test_a_second_verification_goes_on_where_the_first_ended_and_notices_another_past(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "BATCH", 2)
    events = record(alias, 5)
    seal_events(using=alias)
    assert verify_trail(since_checkpoint=True, most=2, using=alias).checked == 2
    assert AuditCheckpoint.objects.using(alias).get().number == 2
    assert verify_trail(since_checkpoint=True, using=alias).checked == 3
    assert verify_trail(since_checkpoint=True, using=alias).checked == 0
    with lifted_triggers(alias):
        AuditSeal.objects.using(alias).filter(event=events[4]).delete()
    assert "no number 5 any more" in verify_trail(since_checkpoint=True, using=alias).broken


def test_two_sealers_at_once_seal_each_event_once(
    postgres: str, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "BATCH", 5)
    barrier = threading.Barrier(4)

    def seal(_number: int) -> int:
        barrier.wait()
        try:
            return sum(seal_events(using=postgres) for _time in range(3))
        finally:
            connections[postgres].close()

    with django_db_blocker.unblock():
        try:
            events = record(postgres, 40)
            with ThreadPoolExecutor(4) as threads:
                sealed = sum(threads.map(seal, range(4)))
            assert sealed + seal_events(using=postgres) == 40
            assert [event for _number, event in chain_of(postgres, 0)] == [event.pk for event in events]
            assert verify_trail(using=postgres).broken == ""
        finally:
            with lifted_triggers(postgres), connections[postgres].cursor() as cursor:
                cursor.execute("TRUNCATE audit_auditevent, audit_auditseal, audit_auditpayload, audit_auditsubject")
                cursor.execute("TRUNCATE audit_auditcheckpoint")


def test_a_sealer_that_overlooks_the_other_is_refused_by_the_database(alias: str) -> None:
    first, second = record(alias, 2)
    AuditSeal.objects.using(alias).create(event=first, chain=0, number=1, sha256="0" * 64)
    with pytest.raises(IntegrityError), transaction.atomic(using=alias):
        AuditSeal.objects.using(alias).create(event=second, chain=0, number=1, sha256="0" * 64)


def test_the_log_is_told_where_each_chain_ends_and_the_command_holds_the_trail_to_it(
    db: None, caplog: pytest.LogCaptureFixture
) -> None:
    clinic = new_clinic("default", "north")
    record("default", 2)
    record("default", 3, clinic)
    seal_events()
    with caplog.at_level(logging.INFO, logger="skinsite.audit.seals"):
        log_heads()
    told = [
        re.fullmatch(r"trail_head chain=(\d+) number=(\d+) sha256=([0-9a-f]{64})", each) for each in caplog.messages
    ]
    logged = ["/".join(each.groups()) for each in told if each]
    assert [each.rpartition("/")[0] for each in logged] == ["0/2", f"{clinic.pk}/3"]
    out, errors = StringIO(), StringIO()
    options = [f"--head={each}" for each in logged]
    call_command("verify_trail", *options, stdout=out, stderr=errors)
    assert out.getvalue().startswith("5 events are as they were written")
    with lifted_triggers():
        AuditSeal.objects.filter(chain=clinic.pk, number=3).delete()
    call_command("verify_trail", stdout=out, stderr=errors)
    with pytest.raises(SystemExit) as end:
        call_command("verify_trail", *options, stdout=out, stderr=errors)
    assert end.value.code == 1
    assert f"chain {clinic.pk} has no number 3 any more" in errors.getvalue()


def test_doctor_verifies_what_has_come_since_and_notices_what_nobody_seals(db: None) -> None:
    events = record("default", 2)
    seal_events()
    assert check_trail().detail == "2 events since the last time"
    with lifted_triggers():
        record("default", 1, at=timezone.now() - timedelta(days=2))
    assert "1 events" in check_trail().detail
    assert not check_trail().ok
    seal_events(everything=True)
    assert check_trail().ok
    with lifted_triggers():
        AuditSeal.objects.filter(number=3).update(sha256="0" * 64)
    assert not check_trail().ok
    assert events


def test_verifying_and_sealing_take_the_same_statements_a_batch_whatever_lies_behind(
    db: None, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    def verify() -> int:
        with CaptureQueriesContext(connection) as captured:
            verify_trail()
        return len(captured)

    monkeypatch.setattr(verification, "BATCH", 2)
    for _time in range(2):
        record("default", 2)
        with django_assert_num_queries(6):  # the first, what waits, the head, seals; begin and end of the transaction
            seal_events()
    verify()
    few = verify()
    record("default", 2)
    seal_events()
    assert verify() == few + 4  # seals, events, what they say, records
