"""What earlier events say is taken along when it moves out of their rows, on both databases."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from pytest_django import DjangoDbBlocker

from skinsite.audit.models import AuditEvent
from skinsite.audit.triggers import install_triggers
from skinsite.settings.databases import describe_database
from skinsite.settings.env import Environment
from tests.servers import create_postgres_database

SAID: list[dict[str, Any]] = [{"before": "А", "after": 'B "quoted"'}, {}, {"rows": 2, "shown": ["a", "b"]}]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path: Any, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """An empty database of its own, by its alias."""
    url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    if request.param == "postgresql":
        url = create_postgres_database(request.getfixturevalue("postgres_server"))
    monkeypatch.setenv("DATABASE_URL", url)
    described = describe_database(Environment().database("DATABASE_URL"))
    connections.databases["own"] = connections.configure_settings({"default": described})["default"]
    with django_db_blocker.unblock():
        yield "own"
        connections["own"].close()
    del connections["own"]
    del connections.databases["own"]


def test_details_of_earlier_events_are_taken_along_under_a_salted_hash(database: str) -> None:
    connection = connections[database]
    former = MigrationExecutor(connection).migrate([("audit", "0001_initial")]).apps.get_model("audit", "AuditEvent")
    for said in SAID:
        former.objects.using(database).create(kind="change", action="clinic.renamed", actor_email="a@b", details=said)
    install_triggers(database)  # as they stand before an upgrade

    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    install_triggers(database)

    events = list(AuditEvent.objects.using(database).select_related("payload").order_by("pk"))
    assert [event.details for event in events] == SAID
    assert {event.actor_email for event in events} == {"a@b"}
    for event in events:
        assert json.loads(event.payload.details) == event.details
        salted = f"{event.payload.salt}\n{event.payload.details}"
        assert event.payload_sha256 == hashlib.sha256(salted.encode()).hexdigest()
    assert len({event.payload.salt for event in events}) == len(SAID)
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT details FROM audit_auditevent")
        assert [json.loads(kept) for (kept,) in cursor.fetchall()] == [{}]
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(using=database):
        AuditEvent.objects.using(database).update(action="forged")


def test_the_version_before_may_still_write_its_events(database: str) -> None:
    executor = MigrationExecutor(connections[database])
    former = executor.loader.project_state([("audit", "0001_initial")]).apps.get_model("audit", "AuditEvent")
    executor.migrate(executor.loader.graph.leaf_nodes())
    former.objects.using(database).create(kind="change", action="clinic.renamed", details={"after": "B"})
    event = AuditEvent.objects.using(database).get()
    assert (event.action, event.payload_sha256, event.details) == ("clinic.renamed", "", {})
