"""Whether a database can keep every letter: PostgreSQL can be made with an encoding that cannot."""

from django.db.backends.base.base import BaseDatabaseWrapper

MAKE_ANEW = "Make it anew by `createdb --encoding UTF8 --template template0`, and move what is in it by pg_dump."


def encoding_fault(connection: BaseDatabaseWrapper) -> str:
    """Say that a database keeps letters in another encoding than UTF-8; empty if it does not."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        (encoding,) = cursor.fetchone()
    return "" if encoding == "UTF8" else f"the database keeps letters in {encoding}, which not all fit into"
