"""The measurement of a long trail says what it needs before it begins."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError


def test_it_asks_for_an_empty_postgresql_database() -> None:
    with pytest.raises(CommandError, match="PostgreSQL"):
        call_command("bench_trail")
    with pytest.raises(CommandError, match="100000 or more"):
        call_command("bench_trail", events=5, database="postgres://nowhere/x")
