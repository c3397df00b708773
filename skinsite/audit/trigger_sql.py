"""The statements that make a table append-only, for SQLite and for PostgreSQL.

They hold for every connection that does not own the tables, whatever program opens it. On SQLite, REPLACE deletes rows
without firing a DELETE trigger unless the connection asks for it, so an INSERT (and an UPDATE OR REPLACE) that meets a
key which a kept row has is refused as well.
"""

import re
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper

WARRANTS = "audit_warrant"
FUNCTION = "skinsite_refuse_change"
SQLITE_NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now'{})"
# Words before the name of a trigger, and what it is told by.
REFUSED = "{} on {} is refused: its rows are append-only"
OUT_OF_TIME = "INSERT on {} is refused: {} is not of now"

# Its own schema before the temporary one: else a table of a session's own could stand for the warrants.
POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql SET search_path = "SCHEMA", pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        RAISE EXCEPTION 'INSERT on % is refused: % is not of now', TG_TABLE_NAME, TG_ARGV[0]
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP <> 'TRUNCATE' AND TG_NARGS = 2 THEN
        PERFORM 1 FROM {WARRANTS} WHERE object_type = TG_ARGV[0] AND object_id = to_jsonb(OLD) ->> TG_ARGV[1]
            AND expires_at > clock_timestamp();
        IF FOUND AND TG_OP = 'DELETE' THEN
            RETURN OLD;
        ELSIF FOUND THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% on % is refused: its rows are append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


@dataclass(frozen=True)
class Guarded:
    """A table to guard.

    ``when`` is SQL on the row as it was, such as ``OLD.status = 'done'``; empty means always. ``warranted`` is the type
    and the column by which a warrant names a row of it; None where no warrant opens any. ``moments`` are columns of a
    time that a new row gives: by how many seconds it may lie before and after the database's own.
    """

    table: str
    primary_key: tuple[str, ...]
    when: str = ""
    warranted: tuple[str, str] | None = None
    moments: tuple[tuple[str, int, int], ...] = ()


def trigger_name(table: str, event: str) -> str:
    """The name of the trigger that refuses an event on a table."""
    return f"{table}_refuse_{event.lower()}"


def trigger_statements(connection: BaseDatabaseWrapper, guarded: Guarded) -> dict[str, str]:
    """Every trigger of a table: the statement that creates it, by its name.

    Raises ``ImproperlyConfigured`` for a database other than SQLite and PostgreSQL.
    """
    if connection.vendor == "sqlite":
        return _sqlite(connection, guarded)
    if connection.vendor == "postgresql":
        return _postgresql(guarded)
    raise ImproperlyConfigured(
        f"Append-only rows need SQLite or PostgreSQL; {connection.vendor} is neither. Change DATABASE_URL."
    )


def _postgresql(guarded: Guarded) -> dict[str, str]:
    table = guarded.table
    condition = f"WHEN ({guarded.when})" if guarded.when else ""
    arguments = ", ".join(f"'{each}'" for each in guarded.warranted or ())
    statements = {
        trigger_name(table, event): f'CREATE OR REPLACE TRIGGER "{trigger_name(table, event)}" BEFORE {event} '
        f'ON "{table}" FOR EACH ROW {condition} EXECUTE FUNCTION {FUNCTION}({arguments})'
        for event in ("UPDATE", "DELETE")
    }
    name = trigger_name(table, "TRUNCATE")
    statements[name] = (
        f'CREATE OR REPLACE TRIGGER "{name}" BEFORE TRUNCATE ON "{table}" FOR EACH STATEMENT '
        f"EXECUTE FUNCTION {FUNCTION}()"
    )
    for column, before, after in guarded.moments:
        name = trigger_name(table, column)
        statements[name] = (
            f'CREATE OR REPLACE TRIGGER "{name}" BEFORE INSERT ON "{table}" FOR EACH ROW '
            f"WHEN (NEW.{column} < clock_timestamp() - interval '{before} seconds' "
            f"OR NEW.{column} > clock_timestamp() + interval '{after} seconds') EXECUTE FUNCTION {FUNCTION}('{column}')"
        )
    return statements


def _sqlite(connection: BaseDatabaseWrapper, guarded: Guarded) -> dict[str, str]:
    table = guarded.table
    kept = [f"({guarded.when})"] if guarded.when else []
    if guarded.warranted:
        label, column = guarded.warranted
        # UUIDs are kept here as digits alone.
        is_named = f"replace(w.object_id, '-', '') = replace(CAST(OLD.{column} AS TEXT), '-', '')"
        is_warrant = f"w.object_type = '{label}' AND {is_named} AND w.expires_at > {SQLITE_NOW.format('')}"
        kept.append(f"NOT EXISTS (SELECT 1 FROM {WARRANTS} AS w WHERE {is_warrant})")  # noqa: S608 names of our models
    moments = {column: _sqlite_moment(column, before, after) for column, before, after in guarded.moments}
    refused = REFUSED.format("{}", table)
    conditions = {
        "UPDATE": ("UPDATE", " AND ".join(kept), refused.format("UPDATE")),
        "DELETE": ("DELETE", " AND ".join(kept), refused.format("DELETE")),
        "REPLACE": ("INSERT", _key_is_taken(connection, guarded), refused.format("REPLACE")),
        "UPDATE_OR_REPLACE": (
            "UPDATE",
            _key_is_taken(connection, guarded, by_another=True),
            refused.format("UPDATE OR REPLACE"),
        ),
        **{name: ("INSERT", condition, OUT_OF_TIME.format(table, name)) for name, condition in moments.items()},
    }
    return {
        trigger_name(table, name): f'CREATE TRIGGER "{trigger_name(table, name)}" BEFORE {event} ON "{table}" '
        f"FOR EACH ROW {f'WHEN {condition} ' if condition else ''}BEGIN SELECT RAISE(ABORT, '{message}'); END"
        for name, (event, condition, message) in conditions.items()
    }


def _sqlite_moment(column: str, before: int, after: int) -> str:
    earliest, latest = SQLITE_NOW.format(f", '-{before} seconds'"), SQLITE_NOW.format(f", '+{after} seconds'")
    return f"NEW.{column} < {earliest} OR NEW.{column} > {latest}"


def _key_is_taken(connection: BaseDatabaseWrapper, guarded: Guarded, *, by_another: bool = False) -> str:
    """Whether a kept row has one of the new row's keys; of an update, a kept row other than the one that changes."""
    found = []
    for columns, condition in _unique_keys(connection, guarded):
        tests = [f'kept."{column}" = NEW."{column}"' for column in columns]
        if guarded.when:
            tests.append(f"({guarded.when.replace('OLD.', 'kept.')})")
        if condition:
            tests += [_of(condition, "kept"), _of(condition, "NEW")]
        if by_another:
            itself = " AND ".join(f'kept."{column}" = OLD."{column}"' for column in guarded.primary_key)
            tests.append(f"NOT ({itself})")
        found.append(f'EXISTS (SELECT 1 FROM "{guarded.table}" AS kept WHERE {" AND ".join(tests)})')  # noqa: S608 as above
    return " OR ".join(found)


def _of(condition: str, row: str) -> str:
    """An index's condition, of a row: the names of its columns are quoted, as Django writes them."""
    return "(" + re.sub(r'"(\w+)"', rf'{row}."\1"', condition) + ")"


def _unique_keys(connection: BaseDatabaseWrapper, guarded: Guarded) -> list[tuple[tuple[str, ...], str]]:
    """The primary key and every unique index of a table, with the condition of one that is of a part of the rows."""
    keys = [(guarded.primary_key, "")]
    with connection.cursor() as cursor:
        cursor.execute(f'PRAGMA index_list("{guarded.table}")')
        indexes = [
            name for _number, name, is_unique, origin, _partial in cursor.fetchall() if is_unique and origin != "pk"
        ]
        for name in sorted(indexes):
            cursor.execute(f'PRAGMA index_info("{name}")')
            columns = tuple(column for _number, _key, column in cursor.fetchall())
            if None in columns:
                raise ImproperlyConfigured(f"{name} is unique by an expression, which its triggers do not understand.")
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [name])
            _before, _where, condition = (cursor.fetchone()[0] or "").partition(" WHERE ")
            keys.append((columns, condition))
    return keys
