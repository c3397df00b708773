"""Rows that the database itself keeps as they are: by plain SQL, on SQLite and on a real PostgreSQL."""
# ruff: noqa: S608 statements are put together of names of our own tables

import sqlite3
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import CharField, Model
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from classifier.models import ImageCorrection, Prediction, Review
from skinsite.accounts.models import Membership, User
from skinsite.audit.models import AuditEvent, AuditPayload, AuditSeal, AuditSubject, EventKind, Warrant
from skinsite.audit.trigger_sql import Guarded, trigger_statements
from skinsite.audit.triggers import APPEND_ONLY, install_triggers, missing_triggers
from skinsite.health.checks import check_append_only
from skinsite.health.system_checks import check_triggers
from tests import factories
from tests.triggers import lifted_triggers

KEPT = {
    "audit_auditevent",
    "audit_auditpayload",
    "audit_auditsubject",
    "audit_auditseal",
    "audit_warrant",
    "classifier_prediction",
    "classifier_review",
    "classifier_imagecorrection",
}


@pytest.fixture
def kept(alias: str) -> dict[str, Model]:
    """A row of each kept table, by its table's name."""
    reading = make_reading(alias)
    user = reading.image.uploaded_by
    assert user is not None
    event = AuditEvent.objects.using(alias).create(kind=EventKind.CHANGE, action="user.created")
    rows: list[Model] = [
        reading,
        event,
        AuditSeal.objects.using(alias).create(event=event, chain=0, number=1, sha256="0"),
        AuditPayload.objects.using(alias).create(event=event, salt="0", details="{}"),
        AuditSubject.objects.using(alias).create(event=event, record_type="classifier.Patient", record_id="1"),
        Review.objects.using(alias).create(prediction=reading, reviewer=user, diagnosis="NV", certainty="high"),
        ImageCorrection.objects.using(alias).create(
            image=reading.image, kind="moved", before="a", after="b", reason="c", made_by=user
        ),
        warrant(alias, "nothing.AtAll", "0"),
    ]
    return {row._meta.db_table: row for row in rows}


def make_reading(alias: str) -> Prediction:
    """A photograph that was not run, as its finished reading."""
    user = User(email="owner@clinic.example", name="Owner")
    clinic = factories.ClinicFactory.build()
    patient = factories.PatientFactory.build(clinic=clinic)
    lesion = factories.LesionFactory.build(patient=patient, created_by=None)
    image = factories.LesionImageFactory.build(lesion=lesion, uploaded_by=user)
    reading = Prediction(
        image=image,
        status="done",
        modality="clinical",
        outcome="not_assessable",
        reason="clinical_photograph",
        stored_sha256="0" * 64,
        finished_at=timezone.now(),
    )
    examination = image.examination
    rows: list[Model] = [user, clinic, patient, lesion, examination.visit, examination, image, reading]
    for row in rows:
        row._state.db = alias  # a relation between two databases is refused
    for row in rows:
        row.save(using=alias)
    return reading


def warrant(alias: str, object_type: str, object_id: object, *, lasts: timedelta = timedelta(hours=1)) -> Warrant:
    """Leave to erase a row."""
    return Warrant.objects.using(alias).create(
        object_type=object_type,
        object_id=str(object_id),
        asker="patient@example",
        executor="administrator@example",
        reason="asked to be forgotten",
        expires_at=timezone.now() + lasts,
    )


def sql(alias: str, statement: str, *values: Any) -> int:
    """Run one statement; how many rows it changed."""
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def refused(alias: str, statement: str, *values: Any) -> bool:
    """Whether the triggers refuse a statement."""
    try:
        sql(alias, statement, *values)
    except IntegrityError as error:
        return "is refused" in str(error)
    return False


def columns_of(row: Model) -> tuple[list[str], str]:
    """The columns of a row's table, and how they are written one after the other."""
    names = [field.column for field in row._meta.concrete_fields if field.column]
    return names, ", ".join(f'"{name}"' for name in names)


def condition_of(row: Model) -> tuple[str, object]:
    """What finds a row by SQL."""
    pk = row._meta.pk
    column = "event_id" if isinstance(row, AuditSubject) else pk.column
    return f'WHERE "{column}" = %s', row.event_id if isinstance(row, AuditSubject) else row.pk


def test_every_table_that_is_to_be_kept_has_its_triggers(alias: str) -> None:
    assert {rule.guarded().table for rule in APPEND_ONLY} >= KEPT
    assert {rule.guarded().table for rule in APPEND_ONLY} <= set(connections[alias].introspection.table_names())
    assert missing_triggers(alias) == []


def test_kept_rows_refuse_update_and_delete_and_all_of_them_at_once(alias: str, kept: dict[str, Model]) -> None:
    assert set(kept) == KEPT
    for table, row in kept.items():
        condition, key = condition_of(row)
        for column in columns_of(row)[0]:
            assert refused(alias, f'UPDATE "{table}" SET "{column}" = "{column}" {condition}', key), (table, column)
        assert refused(alias, f'DELETE FROM "{table}" {condition}', key), table
        assert refused(alias, f'DELETE FROM "{table}"'), table
        columns, pk = columns_of(row)[1], ", ".join(str(field.column) for field in row._meta.pk_fields)
        upsert = f"ON CONFLICT ({pk}) DO UPDATE SET {pk.partition(',')[0]} = excluded.{pk.partition(',')[0]}"
        again = f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM "{table}" {condition} {upsert}'
        assert refused(alias, again, key), table
        if connections[alias].vendor == "postgresql":
            sql(alias, "SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks to come is not emptied anyway
            assert refused(alias, f'TRUNCATE "{table}" CASCADE'), table
            assert refused(alias, "TRUNCATE accounts_clinic CASCADE")


@pytest.mark.parametrize("alias", ["sqlite"], indirect=True)  # PostgreSQL has no REPLACE
def test_a_row_that_is_there_is_not_replaced_by_any_of_its_keys(kept: dict[str, Model], alias: str) -> None:
    for table, row in kept.items():
        names, columns = columns_of(row)
        condition, key = condition_of(row)
        copy = f'INTO "{table}" ({columns}) SELECT {columns} FROM "{table}" {condition}'
        assert refused(alias, f"REPLACE {copy}", key), table
        assert refused(alias, f"INSERT OR REPLACE {copy}", key), table
        with pytest.raises(IntegrityError):
            sql(alias, f"INSERT {copy}", key)
        if "public_id" in names:
            others = ", ".join(name for name in names if name != "id")
            by_public_id = f'REPLACE INTO "{table}" ({others}) SELECT {others} FROM "{table}" {condition}'
            assert refused(alias, by_public_id, key), table


@pytest.mark.parametrize("alias", ["sqlite"], indirect=True)
def test_a_reading_is_not_replaced_by_a_key_of_a_part_of_the_rows(kept: dict[str, Model], alias: str) -> None:
    reading = kept["classifier_prediction"]
    names, _columns = columns_of(reading)
    others = ", ".join(name for name in names if name not in ("id", "public_id"))
    again = f"INTO classifier_prediction (public_id, {others}) SELECT %s, {others} FROM classifier_prediction"
    assert refused(alias, f"REPLACE {again}", uuid.uuid4().hex)
    waiting = Prediction.objects.create(image=reading.image, modality="dermoscopic", stored_sha256="0" * 64)  # type: ignore[attr-defined]
    for column in ("id", "public_id"):
        taken = f"SET {column} = (SELECT {column} FROM classifier_prediction WHERE status = 'done')"
        assert refused(alias, f"UPDATE OR REPLACE classifier_prediction {taken} WHERE id = %s", waiting.pk)
    waiting.delete()
    assert Prediction.objects.get().pk == reading.pk


def test_a_connection_that_is_not_ours_is_refused_as_well(tmp_path: Any, django_db_blocker: DjangoDbBlocker) -> None:
    connections.databases["own"] = connections.configure_settings(
        {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "own.sqlite3"}}
    )["default"]
    try:
        with django_db_blocker.unblock():
            call_command("migrate", database="own", verbosity=0)
            AuditEvent.objects.using("own").create(kind=EventKind.CHANGE, action="user.created")
            connections["own"].close()
    finally:
        del connections["own"]
        del connections.databases["own"]
    theirs = sqlite3.connect(tmp_path / "own.sqlite3")
    for statement in (
        "REPLACE INTO audit_auditevent SELECT * FROM audit_auditevent",
        "UPDATE audit_auditevent SET action = 'forged'",
        "DELETE FROM audit_auditevent",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="is refused"):
            theirs.execute(statement)
    theirs.close()


@pytest.mark.parametrize("away", [timedelta(days=-365), timedelta(minutes=-16), timedelta(minutes=6)])
def test_an_event_of_another_time_is_refused(alias: str, away: timedelta) -> None:
    statement = (
        "INSERT INTO audit_auditevent (at, kind, action, actor_email, object_type, object_id, request_id) "
        "VALUES (%s, 'change', 'user.created', '', '', '', '')"
    )
    moment: object = timezone.now() + away
    if connections[alias].vendor == "sqlite":
        moment = f"{moment:%Y-%m-%d %H:%M:%S.%f}"
    assert refused(alias, statement, moment)


def test_deleting_a_photograph_takes_no_reading_or_correction_along(kept: dict[str, Model], alias: str) -> None:
    image = kept["classifier_prediction"].image  # type: ignore[attr-defined]
    with pytest.raises(IntegrityError, match="is refused"), transaction.atomic(using=alias):
        image.delete()
    assert Prediction.objects.using(alias).count() == ImageCorrection.objects.using(alias).count() == 1


def test_a_warrant_opens_exactly_the_row_that_it_names(kept: dict[str, Model], alias: str) -> None:
    for table in ("classifier_review", "classifier_imagecorrection", "audit_auditpayload", "audit_auditsubject"):
        row = kept[table]
        condition, key = condition_of(row)
        name = getattr(row, "public_id", key)
        warrant(alias, row._meta.label, 4711)
        warrant(alias, "classifier.Patient", name)
        assert refused(alias, f"DELETE FROM {table} {condition}", key), table
        warrant(alias, row._meta.label, name)
        assert sql(alias, f"DELETE FROM {table} {condition}", key) == 1, table
    reading = kept["classifier_prediction"]
    assert refused(alias, "DELETE FROM classifier_prediction WHERE id = %s", reading.pk)
    warrant(alias, "classifier.Prediction", reading.public_id)  # type: ignore[attr-defined]
    assert sql(alias, "UPDATE classifier_prediction SET failure = failure WHERE id = %s", reading.pk) == 1
    assert sql(alias, "DELETE FROM classifier_prediction WHERE id = %s", reading.pk) == 1


def test_no_warrant_opens_an_event_or_a_warrant(kept: dict[str, Model], alias: str) -> None:
    for table in ("audit_auditevent", "audit_warrant"):
        row = kept[table]
        warrant(alias, row._meta.label, row.pk)
        assert refused(alias, f"DELETE FROM {table} WHERE id = %s", row.pk)


def test_a_warrant_ends_and_is_not_written_for_long_or_into_another_time(kept: dict[str, Model], alias: str) -> None:
    review = kept["classifier_review"]
    with lifted_triggers(alias):
        warrant(alias, "classifier.Review", review.public_id, lasts=timedelta(seconds=-1))  # type: ignore[attr-defined]
    assert refused(alias, "DELETE FROM classifier_review WHERE id = %s", review.pk)
    for lasts in (timedelta(seconds=-1), timedelta(days=8)):
        with pytest.raises(IntegrityError, match="expires_at is not of now"), transaction.atomic(using=alias):
            warrant(alias, "classifier.Review", "1", lasts=lasts)


def test_a_table_of_the_sessions_own_stands_for_no_warrant(postgres: str, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), transaction.atomic(using=postgres):
        event = AuditEvent.objects.using(postgres).create(kind=EventKind.CHANGE, action="user.created")
        AuditPayload.objects.using(postgres).create(event=event, salt="0", details="{}")
        sql(postgres, "CREATE TEMPORARY TABLE audit_warrant (object_type text, object_id text, expires_at timestamptz)")
        values = ("audit.AuditPayload", str(event.pk))
        sql(postgres, "INSERT INTO pg_temp.audit_warrant VALUES (%s, %s, now() + interval '1 hour')", *values)
        assert refused(postgres, "DELETE FROM audit_auditpayload WHERE event_id = %s", event.pk)
        transaction.set_rollback(True, using=postgres)


def test_what_is_not_finished_may_change_and_go(owner: Membership) -> None:
    waiting = factories.PredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    assert Prediction.objects.filter(pk=waiting.pk).update(attempts=1) == 1
    assert waiting.delete()[0] == 1


def test_triggers_are_there_after_migrating_twice(postgres: str, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        assert missing_triggers(postgres) == []
        call_command("migrate", database=postgres, verbosity=0)
        assert missing_triggers(postgres) == []


def test_a_trigger_that_is_disabled_or_a_function_that_is_another_counts_as_missing(
    postgres: str, django_db_blocker: DjangoDbBlocker
) -> None:
    table = "audit_auditevent"
    with django_db_blocker.unblock(), transaction.atomic(using=postgres):
        for mode in ("DISABLE", "ENABLE REPLICA"):
            sql(postgres, f"ALTER TABLE {table} {mode} TRIGGER {table}_refuse_update")
            assert missing_triggers(postgres) == [f"{table}_refuse_update"]
        install_triggers(postgres)
        assert missing_triggers(postgres) == []
        body = "CREATE OR REPLACE FUNCTION skinsite_refuse_change() RETURNS trigger LANGUAGE plpgsql"
        sql(postgres, f"{body} AS 'BEGIN RETURN NEW; END'")
        assert missing_triggers(postgres) == ["skinsite_refuse_change"]
        transaction.set_rollback(True, using=postgres)


def test_a_trigger_of_the_same_name_that_refuses_nothing_counts_as_missing(db: None) -> None:
    name = "audit_auditevent_refuse_update"
    sql("default", f"DROP TRIGGER {name}")
    sql("default", f"CREATE TRIGGER {name} BEFORE UPDATE ON audit_auditevent BEGIN SELECT 1; END")
    assert missing_triggers() == [name]
    assert [message.id for message in check_triggers(databases=["default"])] == ["skinsite.W001"]


@pytest.mark.django_db(transaction=True)
def test_sqlite_loses_triggers_when_a_table_is_rebuilt_and_migrate_brings_them_back() -> None:
    field = AuditEvent._meta.get_field("action")
    wider = CharField(max_length=61)
    wider.set_attributes_from_name("action")
    with connection.schema_editor() as editor:
        editor.alter_field(AuditEvent, field, wider)
    try:
        assert {"audit_auditevent_refuse_update", "audit_auditevent_refuse_replace"} <= set(missing_triggers())
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
def test_the_whole_database_is_not_emptied_by_a_command() -> None:
    AuditEvent.objects.create(kind=EventKind.CHANGE, action="user.created")
    with pytest.raises(CommandError, match="couldn't be flushed"):
        call_command("flush", interactive=False, verbosity=0)
    assert AuditEvent.objects.count() == 1


def test_other_databases_are_refused() -> None:
    class Another:
        vendor = "mysql"

    with pytest.raises(ImproperlyConfigured, match="SQLite or PostgreSQL; mysql is neither"):
        trigger_statements(Another(), Guarded("audit_auditevent", ("id",)))  # type: ignore[arg-type] # asked for its name
