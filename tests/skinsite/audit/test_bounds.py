"""A trail of ten million events: what is asked often is answered through an index, whatever lies behind."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from skinsite.audit.models import AuditEvent, AuditSeal, AuditSubject
from skinsite.audit.seals import heads, seal_events
from skinsite.audit.verification import count_unsealed, verify_trail
from tests.skinsite.audit.test_seals import new_clinic, record


def test_no_statement_of_a_round_or_of_doctor_goes_through_a_whole_table(db: None) -> None:
    clinic = new_clinic("default", "north")
    record("default", 3, clinic)
    record("default", 3)
    with CaptureQueriesContext(connection) as captured:
        seal_events()
        verify_trail(since_checkpoint=True, most=10)
        verify_trail(since_checkpoint=True, most=10)
        count_unsealed(newest=10)
        list(heads())
    asked = [each["sql"] for each in captured if each["sql"].startswith("SELECT") and "audit_" in each["sql"]]
    assert len(asked) > 15
    for statement in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement.replace('%', '%%')}")
            plan = [str(row[-1]) for row in cursor.fetchall()]
        scanned = [step for step in plan if step.startswith("SCAN audit_") and "audit_auditcheckpoint" not in step]
        # In the order of a key and up to a limit is not the whole.
        is_cut = "LIMIT" in statement and not any("TEMP B-TREE" in step for step in plan)
        assert not scanned or is_cut, (plan, statement)


def test_where_the_recent_events_begin_is_found_by_their_time_and_never_by_going_up_through_the_keys(db: None) -> None:
    """PostgreSQL answers min(id) by its key's index, from the very first event on, unless rows are limited by time."""
    record("default", 3)
    with CaptureQueriesContext(connection) as captured:
        seal_events()
    asked = next(each["sql"] for each in captured if "MIN(" in each["sql"])
    assert re.search(r"MIN\(.*FROM \(SELECT .* ORDER BY .*at.* ASC LIMIT \d+\)", asked), asked


def asked_often() -> dict[str, QuerySet[Any]]:
    """What pages and rounds ask of a long trail."""
    recent = AuditEvent.objects.filter(at__gte=timezone.now() - timedelta(hours=1))
    seen = AuditSubject.objects.filter(record_id="1", record_type="classifier.Patient").select_related("event")
    return {
        "who saw a patient": seen.order_by("-event_id")[:50],
        "a page of a clinic": AuditEvent.objects.filter(clinic=1, at__lt=timezone.now()).order_by("-at")[:50],
        "recent events": recent.order_by("at")[:1_000_000],
        "a chain further on": AuditSeal.objects.filter(chain=1, number__gt=10_000_000).order_by("number")[:1000],
    }


@pytest.mark.parametrize("name", asked_often())
def test_pages_of_a_long_trail_are_found_by_an_index(db: None, name: str) -> None:
    plan = asked_often()[name].explain()
    assert re.search(r"SEARCH audit_audit(event|subject|seal) USING .*INDEX", plan), plan
    assert not re.search(r"SCAN audit_audit", plan), plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan, plan
