"""Doing without the triggers that keep rows: for emptying a test's database, and for rows that no service writes."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from django.test import TransactionTestCase

from skinsite.audit.triggers import APPEND_ONLY, drop_statement, install_triggers, triggers_of


@contextmanager
def lifted_triggers(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Take every trigger off for a block, as whoever owns the tables can, and put all back."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for table in {rule.guarded().table for rule in APPEND_ONLY} & set(connection.introspection.table_names()):
            for name in triggers_of(connection, table):
                cursor.execute(drop_statement(connection.vendor, table, name))
    try:
        yield
    finally:
        install_triggers(using)


@pytest.fixture(autouse=True, scope="session")
def _kept_rows_go_with_their_test() -> Iterator[None]:
    """Django empties the database after a test of several transactions, and triggers would keep its rows."""
    empty = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined] # private, and the one place to do it

    def without_triggers(case: TransactionTestCase) -> None:
        with lifted_triggers():
            empty(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", without_triggers)
        yield
