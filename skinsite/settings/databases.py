"""How the database is spoken to."""

from typing import Any

# What a writer waits for another one before it gives up, in seconds.
BUSY_SECONDS = 20
# A request does not wait for a PostgreSQL server that does not answer, or whose network has gone.
CONNECT_SECONDS = 5
SILENT_MILLISECONDS = 20_000


def describe_database(described: dict[str, Any]) -> dict[str, Any]:
    """Django's description of a database, with what this service needs of it.

    SQLite: readers beside one writer (WAL), and transactions that take the write lock at once, so that two of them wait
    for each other and do not fail half-way. PostgreSQL: connections are kept and looked after, and given up in time.
    """
    if described["ENGINE"].endswith("sqlite3"):
        options = {
            "transaction_mode": "IMMEDIATE",
            "timeout": BUSY_SECONDS,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        return described | {"OPTIONS": options | described.get("OPTIONS", {})}
    waits = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": SILENT_MILLISECONDS}
    options = waits | described.get("OPTIONS", {})
    return described | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}
