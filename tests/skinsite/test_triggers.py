"""Rows that the database itself keeps as they are, on SQLite and on a real PostgreSQL."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import CharField
from pytest_django import DjangoDbBlocker

from skinsite.accounts.models import User
from skinsite.audit.models import AuditEvent, EventKind
from skinsite.audit.triggers import APPEND_ONLY, append_only_sql, install_triggers, lifted_triggers, missing_triggers
from skinsite.health.checks import check_append_only
from skinsite.health.system_checks import check_triggers


def update_action(alias: str) -> int:
    return AuditEvent.objects.using(alias).update(action="something.else")


def update_one_field(alias: str) -> int:
    return AuditEvent.objects.using(alias).filter(request_id="").update(request_id="forged")


def delete_all(alias: str) -> int:
    return AuditEvent.objects.using(alias).all().delete()[0]


def delete_by_sql(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("DELETE FROM audit_auditevent")


ATTACKS = [update_action, update_one_field, delete_all, delete_by_sql]


@pytest.mark.parametrize("attack", ATTACKS)
def test_sqlite_refuses_to_change_or_delete_an_audit_event(db: None, attack: Callable[[str], object]) -> None:
    event = AuditEvent.objects.create(kind=EventKind.CHANGE, action="user.created")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        attack("default")
    event.refresh_from_db()
    assert event.action == "user.created"
    assert event.request_id == ""


@pytest.mark.parametrize("attack", ATTACKS)
def test_postgresql_refuses_to_change_or_delete_an_audit_event(
    postgres: str, django_db_blocker: DjangoDbBlocker, attack: Callable[[str], object]
) -> None:
    with django_db_blocker.unblock(), transaction.atomic(using=postgres):
        event = AuditEvent.objects.using(postgres).create(kind=EventKind.CHANGE, action="user.created")
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(using=postgres):
            attack(postgres)
        event.refresh_from_db()
        assert event.action == "user.created"
        assert event.request_id == ""
        transaction.set_rollback(True, using=postgres)


def test_postgresql_has_every_trigger_after_migrating_twice(postgres: str, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        assert missing_triggers(postgres) == []
        call_command("migrate", database=postgres, verbosity=0)
        assert missing_triggers(postgres) == []


def test_postgresql_counts_a_disabled_trigger_as_missing(postgres: str, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), transaction.atomic(using=postgres):
        with connections[postgres].cursor() as cursor:
            cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER audit_auditevent_refuse_update")
        assert missing_triggers(postgres) == ["audit_auditevent_refuse_update"]
        transaction.set_rollback(True, using=postgres)


def test_every_registered_table_exists_and_has_its_triggers(db: None) -> None:
    tables = set(connection.introspection.table_names())
    assert {rule.table for rule in APPEND_ONLY} <= tables
    assert {rule.table for rule in APPEND_ONLY} >= {"audit_auditevent", "classifier_prediction", "classifier_review"}
    assert missing_triggers() == []


@pytest.mark.django_db(transaction=True)
def test_sqlite_loses_triggers_when_a_table_is_rebuilt_and_migrate_brings_them_back() -> None:
    field = AuditEvent._meta.get_field("action")
    wider = CharField(max_length=61)
    wider.set_attributes_from_name("action")
    with connection.schema_editor() as editor:
        editor.alter_field(AuditEvent, field, wider)
    try:
        lost = ["audit_auditevent_refuse_update", "audit_auditevent_refuse_delete"]
        assert missing_triggers() == lost
        assert [message.id for message in check_triggers(databases=["default"])] == ["skinsite.W001"]
        result = check_append_only()
        assert (result.ok, "migrate" in result.remedy) == (False, True)
        call_command("migrate", verbosity=0)
        assert missing_triggers() == []
        assert check_triggers(databases=["default"]) == []
    finally:
        with connection.schema_editor() as editor:
            editor.alter_field(AuditEvent, wider, field)
        install_triggers()


@pytest.mark.django_db(transaction=True)
def test_flush_empties_the_tables_and_leaves_the_triggers() -> None:
    AuditEvent.objects.create(kind=EventKind.CHANGE, action="user.created")
    call_command("flush", interactive=False, verbosity=0)
    assert AuditEvent.objects.count() == 0
    assert missing_triggers() == []


def test_triggers_are_back_after_being_lifted_even_when_something_fails(db: None) -> None:
    def fail_inside() -> None:
        with lifted_triggers():
            assert "audit_auditevent_refuse_update" in missing_triggers()
            raise LookupError

    with pytest.raises(LookupError):
        fail_inside()
    assert missing_triggers() == []


def test_a_condition_leaves_other_rows_free(db: None) -> None:
    User.objects.create_user("first@clinic.example", name="kept")
    User.objects.create_user("second@clinic.example", name="free")
    with connection.cursor() as cursor:
        for statement in append_only_sql("accounts_user", when="OLD.name = 'kept'", vendor=connection.vendor):
            cursor.execute(statement)
    assert User.objects.filter(name="free").update(name="changed") == 1
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        User.objects.filter(name="kept").update(name="changed")


def test_other_databases_are_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="SQLite or PostgreSQL; mysql is neither"):
        append_only_sql("audit_auditevent", vendor="mysql")
