"""Rows that the database itself refuses to change, whoever asks.

Apps name theirs in ``AppConfig.ready()`` by ``APPEND_ONLY.append(AppendOnly(...))``. SQLite drops a table's triggers
without a word when a migration rebuilds the table, so all are installed again after every migrate.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True)
class AppendOnly:
    """A table whose rows the database keeps as they are.

    ``when`` is SQL on the row as it was, such as ``OLD.status IN ('done', 'failed')``; empty means always. ``events``
    are of UPDATE and DELETE.
    """

    table: str
    when: str = ""
    events: tuple[str, ...] = ("UPDATE",)


APPEND_ONLY: list[AppendOnly] = []

POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION skinsite_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: its rows are append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def trigger_name(table: str, event: str) -> str:
    """The name of the trigger that refuses an event on a table."""
    return f"{table}_refuse_{event.lower()}"


def append_only_sql(
    table: str, *, when: str = "", events: tuple[str, ...] = ("UPDATE",), vendor: str = "sqlite"
) -> list[str]:
    """The statements that make a table append-only; running them again does no harm.

    Raises ``ImproperlyConfigured`` for a database other than SQLite and PostgreSQL.
    """
    condition = f"WHEN ({when})" if when else ""
    statements = [*drop_sql(table, events=events)] if vendor == "sqlite" else [POSTGRESQL_FUNCTION]
    for event in events:
        name = trigger_name(table, event)
        if vendor == "sqlite":
            message = f"{event} on {table} is refused: its rows are append-only"
            statements.append(
                f'CREATE TRIGGER "{name}" BEFORE {event} ON "{table}" FOR EACH ROW {condition} '
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        elif vendor == "postgresql":
            statements.append(
                f'CREATE OR REPLACE TRIGGER "{name}" BEFORE {event} ON "{table}" FOR EACH ROW {condition} '
                "EXECUTE FUNCTION skinsite_refuse_change()"
            )
        else:
            raise ImproperlyConfigured(
                f"Append-only rows need SQLite or PostgreSQL; {vendor} is neither. Change DATABASE_URL."
            )
    return statements


def drop_sql(table: str, *, events: tuple[str, ...], vendor: str = "sqlite") -> list[str]:
    """The statements that make a table an ordinary one again."""
    on_table = f' ON "{table}"' if vendor == "postgresql" else ""
    return [f'DROP TRIGGER IF EXISTS "{trigger_name(table, event)}"{on_table}' for event in events]


def install_triggers(using: str = DEFAULT_DB_ALIAS, **_signal: Any) -> None:
    """Install every trigger whose table is there. Connected to ``post_migrate``."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    for rule in APPEND_ONLY:
        if rule.table not in tables:
            continue
        # One table at a time is locked: rows may be written to them meanwhile.
        with transaction.atomic(using=using), connection.cursor() as cursor:
            for statement in append_only_sql(rule.table, when=rule.when, events=rule.events, vendor=connection.vendor):
                cursor.execute(statement)


@contextmanager
def lifted_triggers(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Do without the triggers for a moment: for emptying a whole database, never for changing a row."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for rule in APPEND_ONLY:
            if rule.table in tables:
                for statement in drop_sql(rule.table, events=rule.events, vendor=connection.vendor):
                    cursor.execute(statement)
    try:
        yield
    finally:
        install_triggers(using)


def missing_triggers(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Names of the triggers that should be there, their tables being there, and are not."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    wanted = [trigger_name(rule.table, event) for rule in APPEND_ONLY if rule.table in tables for event in rule.events]
    present = _trigger_names(connection)
    return [name for name in wanted if name not in present]


def _trigger_names(connection: BaseDatabaseWrapper) -> set[str]:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {str(name) for (name,) in cursor.fetchall()}
