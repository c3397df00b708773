"""Rows that the database itself refuses to change, whoever asks.

Apps name theirs in ``AppConfig.ready()`` by ``APPEND_ONLY.append(AppendOnly(...))``. SQLite drops a table's triggers
without a word when a migration rebuilds the table, so all are installed again after every migrate.

An erasure that has been asked for opens exactly one row: by a `Warrant`, which the triggers look up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from skinsite.audit.trigger_sql import FUNCTION, POSTGRESQL_FUNCTION, WARRANTS, Guarded, trigger_statements


@dataclass(frozen=True)
class AppendOnly:
    """A model whose rows the database keeps as they are, by its label.

    ``when`` is SQL on the row as it was, such as ``OLD.status IN ('done', 'failed')``; empty means always.
    ``warranted`` is whether a warrant may open a row; it names one by its public id, or else by its primary key (of
    several columns the first). ``moments`` are columns of a time that a new row gives: by how many seconds it may lie
    before and after the database's own time.
    """

    model: str
    when: str = ""
    warranted: bool = True
    moments: tuple[tuple[str, int, int], ...] = ()

    def guarded(self) -> Guarded:
        """The table, in the database's words."""
        meta = apps.get_model(self.model)._meta
        primary_key = tuple(str(field.column) for field in meta.pk_fields)
        named = "public_id" if any(field.name == "public_id" for field in meta.fields) else primary_key[0]
        return Guarded(
            meta.db_table, primary_key, self.when, (meta.label, named) if self.warranted else None, self.moments
        )


APPEND_ONLY: list[AppendOnly] = []


def install_triggers(using: str = DEFAULT_DB_ALIAS, **_signal: Any) -> None:
    """Install every trigger whose table is there. Connected to ``post_migrate``.

    Raises ``ImproperlyConfigured`` for a database other than SQLite and PostgreSQL.
    """
    connection = connections[using]
    for table, statements in _wanted(connection):
        # One table at a time is locked: rows may be written to them meanwhile.
        with transaction.atomic(using=using), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SELECT current_schema()")
                cursor.execute(POSTGRESQL_FUNCTION.replace("SCHEMA", cursor.fetchone()[0]))
            for name in triggers_of(connection, table):
                cursor.execute(drop_statement(connection.vendor, table, name))
            for statement in statements.values():
                cursor.execute(statement)


def take_off_triggers(using: str = DEFAULT_DB_ALIAS, plan: Any = (), **_signal: Any) -> None:
    """Free SQLite's tables for the migrations of a plan. Connected to ``pre_migrate``.

    It renames no table while any trigger names one that is being rebuilt.
    """
    connection = connections[using]
    if not plan or connection.vendor != "sqlite":
        return
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for table in [rule.guarded().table for rule in APPEND_ONLY]:
            for name in triggers_of(connection, table):
                cursor.execute(drop_statement(connection.vendor, table, name))


def missing_triggers(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Names of the triggers that should be there, their tables being there, and are not, or are not what they were."""
    connection = connections[using]
    missing = []
    for table, statements in _wanted(connection):
        present = triggers_of(connection, table)
        # PostgreSQL writes a statement in words of its own: there it is the function that is compared.
        missing += [
            name
            for name, statement in statements.items()
            if present.get(name) not in ((statement,) if connection.vendor == "sqlite" else ("O", "A"))
        ]
    if missing or connection.vendor != "postgresql":
        return missing
    return [] if _function_is_ours(connection) else [FUNCTION]


def drop_statement(vendor: str, table: str, name: str) -> str:
    """What takes a trigger off its table."""
    return f'DROP TRIGGER "{name}"' + (f' ON "{table}"' if vendor == "postgresql" else "")


def _wanted(connection: BaseDatabaseWrapper) -> Iterator[tuple[str, dict[str, str]]]:
    present = set(connection.introspection.table_names())
    for guarded in (rule.guarded() for rule in APPEND_ONLY):
        # Without the table of warrants this is the state of a version before, whose triggers were others.
        if {guarded.table, WARRANTS} <= present:
            yield guarded.table, trigger_statements(connection, guarded)


def triggers_of(connection: BaseDatabaseWrapper, table: str) -> dict[str, str]:
    """Our triggers of a table: on SQLite the statement that made each, on PostgreSQL whether it fires."""
    query = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"
        if connection.vendor == "sqlite"
        else "SELECT tgname, tgenabled FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
        "WHERE NOT tgisinternal AND tgrelid = %s::regclass AND proname = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [table] if connection.vendor == "sqlite" else [table, FUNCTION])
        return {str(name): str(told) for name, told in cursor.fetchall()}


def _function_is_ours(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT prosrc FROM pg_proc WHERE proname = %s AND pronamespace = current_schema()::regnamespace",
            [FUNCTION],
        )
        found = cursor.fetchone()
    return found is not None and found[0] in POSTGRESQL_FUNCTION
