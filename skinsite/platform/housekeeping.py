"""What a site needs every night to stay quick: sessions that have ended go, and the database learns its own shape."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

# Rows that SQLite looks at in each index: enough to choose well, and a moment even for a large table.
ROWS_SAMPLED = 1000


def clear_sessions() -> None:
    """Delete sessions that have expired."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


def gather_statistics(using: str = DEFAULT_DB_ALIAS, **_signal: Any) -> None:
    """Let SQLite choose its indexes by what the tables hold. PostgreSQL sees to it by itself."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit = {ROWS_SAMPLED}")
        cursor.execute("ANALYZE")
