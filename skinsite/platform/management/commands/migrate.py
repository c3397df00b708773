"""`manage.py migrate`, which leaves a database alone that another version made."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


class Command(migrate.Command):
    """Django's, with one question before it."""

    def handle(self, *args: Any, **options: Any) -> Any:
        """Stop at a database that this version cannot go on with; nothing is changed then."""
        require_own_history(options.get("database") or DEFAULT_DB_ALIAS)
        return super().handle(*args, **options)


def require_own_history(using: str) -> None:
    """Raise ``CommandError`` where migrations have run that this version does not have: an earlier version whose tables
    were others, or a later one."""
    loader = MigrationLoader(None)
    applied = MigrationRecorder(connections[using]).applied_migrations()
    unknown = sorted(key for key in applied if key[0] in loader.migrated_apps and key not in loader.disk_migrations)
    if unknown:
        app, name = unknown[0]
        raise CommandError(
            f"This database was made by another version, which had {len(unknown)} migrations that this one does not "
            f"know, such as {app}.{name}; nothing was changed. Give a new database, or run the version that made it."
        )
