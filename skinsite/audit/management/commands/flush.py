"""Django's `flush`, on a database with append-only tables."""

from typing import Any

from django.core.management.commands import flush

from skinsite.audit.triggers import lifted_triggers


class Command(flush.Command):
    """Empties the database. Asked for whole, that includes the rows that the triggers keep."""

    def handle(self, **options: Any) -> None:
        """Empty the database with the triggers lifted, and put them back."""
        with lifted_triggers(options["database"]):
            super().handle(**options)
