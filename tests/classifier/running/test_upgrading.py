"""The version before goes on writing rows while the database is migrated, and until it is restarted."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from tests.classifier.running.site import PROJECT, Site
from tests.servers import create_postgres_database

OWN = ("accounts", "audit", "classifier", "health")
# What a version before may still read or write: it goes in a later release than the last code that needs it.
TAKES_AWAY = (migrations.RemoveField, migrations.DeleteModel, migrations.RenameField, migrations.RenameModel)
# SQLite rebuilds the table for the next column and cannot keep one that the models no longer have, so that the way back
# needs it gone for real. No version that reads it has been released.
GONE = {("accounts", "0005_without_malignant_percent")}


@pytest.fixture(params=["sqlite", "postgresql"])
def former(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """A site whose database is as the first version made it."""
    url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    if request.param == "postgresql":
        url = create_postgres_database(request.getfixturevalue("postgres_server"))
    site = Site({"SKINSITE_VAR": str(tmp_path), "DATABASE_URL": url}, tmp_path)
    site.manage("migrate", "classifier", "0001", "--verbosity", "0")
    return site


def test_photographs_come_in_from_the_version_before_while_the_database_is_migrated(former: Site) -> None:
    told = former.folder / "written"
    command = [sys.executable, "-m", "tests.classifier.running.former_version"]
    with (
        told.open("w") as out,
        subprocess.Popen(
            command, cwd=PROJECT, env=former.variables(), stdin=subprocess.PIPE, stdout=out, stderr=out
        ) as writer,
    ):
        former.wait_for("the version before writes", lambda: "written" in told.read_text())
        former.manage("migrate", "--verbosity", "0")
        assert writer.stdin is not None
        writer.stdin.close()  # some more rows, and it ends
        writer.wait(60)

    lines = told.read_text().splitlines()
    assert len(lines) > 10
    assert set(lines) == {"written"}


@pytest.mark.parametrize("number", ["0004", "0006"])
def test_a_migration_that_broke_off_is_run_again_and_lets_nothing_in_meanwhile(former: Site, number: str) -> None:
    former.manage("migrate", "classifier", f"{int(number) - 1:04}", "--verbosity", "0")
    came_of = former.run_module("tests.classifier.running.interrupted", number).splitlines()
    assert len(came_of) > 3
    assert set(came_of) == {"refused"}
    former.manage("migrate", "--verbosity", "0")


def _operations(found: Operation) -> Iterator[Operation]:
    """What an operation does to the database."""
    for each in getattr(found, "database_operations", None) or [found]:
        yield from [each] if each is found else _operations(each)


def test_no_migration_breaks_the_version_before() -> None:
    loader = MigrationLoader(None)
    broken = []
    for (app, name), migration in loader.disk_migrations.items():
        if app not in OWN or migration.initial or name.startswith("0001") or (app, name) in GONE:
            continue
        operations = [each for found in migration.operations for each in _operations(found)]
        new_tables = {each.name_lower for each in operations if isinstance(each, migrations.CreateModel)}
        for operation in operations:
            refuses_rows = isinstance(operation, migrations.AddField | migrations.AlterField) and not _may_be_left_out(
                operation.field
            )
            is_new = isinstance(operation, migrations.AddField) and operation.model_name_lower not in new_tables
            if isinstance(operation, TAKES_AWAY) or (is_new and refuses_rows):
                broken.append(f"{app}.{name}: {operation.describe()}")

    assert {app for app, _name in loader.disk_migrations} >= {each for each in OWN if each in apps.app_configs}
    assert broken == []


def _may_be_left_out(field: "models.Field[Any, Any]") -> bool:
    """Whether an INSERT that does not know the column gets by."""
    return field.null or field.has_db_default() or bool(field.many_to_many)
