"""A database goes from version to version: what the version before writes stays possible, and a stranger's is left."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from ml.bundle.folder import DEFAULT_BUNDLE
from tests.classifier.running.dumps import DUMPS, SAMPLES, restore
from tests.classifier.running.site import Site
from tests.servers import create_postgres_database

OWN = ("accounts", "audit", "classifier", "health")
# What a version before may still read or write: it goes in a later release than the last code that needs it.
TAKES_AWAY = (migrations.RemoveField, migrations.DeleteModel, migrations.RenameField, migrations.RenameModel)


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """A site whose database is empty."""
    url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    if request.param == "postgresql":
        url = create_postgres_database(request.getfixturevalue("postgres_server"))
    return Site({"SKINSITE_VAR": str(tmp_path), "DATABASE_URL": url}, tmp_path)


def test_a_database_of_the_tables_before_visits_is_left_alone_with_one_line(site: Site) -> None:
    site.manage("migrate", "--verbosity", "0")
    site.work("record_migration", "classifier", "0008_services")
    told = site.manage("migrate", exit_code=1)
    (line,) = told.strip().splitlines()
    assert line.startswith("CommandError: This database was made by another version")
    assert "classifier.0008_services; nothing was changed." in line


@pytest.mark.parametrize("dump", sorted(DUMPS.iterdir()), ids=lambda dump: dump.name)
def test_a_kept_database_goes_forward_with_all_that_was_said(
    dump: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    if ".postgresql." in dump.name:
        url = create_postgres_database(request.getfixturevalue("postgres_server"))
    restore(dump, url)
    site = Site({"SKINSITE_VAR": str(tmp_path), "DATABASE_URL": url}, tmp_path)
    site.manage("migrate", "--verbosity", "0")
    assert site.work("count_what_was_said") == {"patients": 3, "readings": 3, "lesion_readings_in_force": 3}
    site.manage("verify_trail")
    site.manage("register_model", str(DEFAULT_BUNDLE), "--activate")
    assert site.work("upload", SAMPLES[5])[1] == "done"


def _operations(found: Operation) -> Iterator[Operation]:
    """What an operation does to the database."""
    for each in getattr(found, "database_operations", None) or [found]:
        yield from [each] if each is found else _operations(each)


def test_no_migration_breaks_the_version_before() -> None:
    loader = MigrationLoader(None)
    broken = []
    for (app, name), migration in loader.disk_migrations.items():
        if app not in OWN or migration.initial or name.startswith("0001"):
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
