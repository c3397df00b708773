"""Rights of the database account that serves: it owns nothing, so no trigger, table or right is its to change."""

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from skinsite.audit.trigger_sql import WARRANTS
from skinsite.audit.triggers import APPEND_ONLY

# Written by whoever migrates and by whoever carries out an erasure, and read by the service.
READ_ONLY = ("django_migrations", WARRANTS)
FORBIDDEN = (
    "SELECT rolsuper OR rolcreaterole OR rolbypassrls OR pg_has_role(rolname, current_user, 'MEMBER') "
    "FROM pg_roles WHERE rolname = %s"
)


def grant_service_role(role: str, *, password: str | None = None, using: str = DEFAULT_DB_ALIAS) -> None:
    """Give an account exactly what the service needs, and take what else it has in this schema; again after a migrate.

    With a ``password`` an account that is not there is created. Raises ``ImproperlyConfigured`` for another database
    than PostgreSQL, and for an account that is not there, is the owner, or could become it.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        raise ImproperlyConfigured("Only PostgreSQL has accounts; SQLite's file belongs to whoever can write to it.")
    from psycopg import sql  # noqa: PLC0415 what serves SQLite alone need not have it

    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute(FORBIDDEN, [role])
        found = cursor.fetchone()
        if found is None and password is None:
            raise ImproperlyConfigured(f"There is no account {role}: name a file with its password to create it.")
        if found is None:
            create = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
            cursor.execute(create.format(sql.Identifier(role), sql.Literal(password)))
        elif found[0]:
            raise ImproperlyConfigured(f"The account {role} is the owner's, or could become it. Take another.")
        cursor.execute("SELECT current_schema()")
        schema = sql.Identifier(cursor.fetchone()[0])
        account = sql.Identifier(role)
        for statement in (
            "REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {account}",
            "REVOKE ALL ON SCHEMA {schema} FROM {account}",
            "REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC",
            "GRANT USAGE ON SCHEMA {schema} TO {account}",
            "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {account}",
        ):
            cursor.execute(sql.SQL(statement).format(schema=schema, account=account))
        for table, rights in _rights(set(connection.introspection.table_names(cursor))).items():
            grant = sql.SQL("GRANT " + rights + " ON {table} TO {account}")
            cursor.execute(grant.format(table=sql.Identifier(table), account=account))


def _rights(present: set[str]) -> dict[str, str]:
    """What the service may do with each table: never to change or delete a row that is kept for good."""
    models = apps.get_models(include_auto_created=True)
    rights = {model._meta.db_table: "SELECT, INSERT, UPDATE, DELETE" for model in models}
    for guarded in (rule.guarded() for rule in APPEND_ONLY):
        # Readings that wait change until they are finished; the trigger sees to those that are.
        rights[guarded.table] = "SELECT, INSERT, UPDATE" if guarded.when else "SELECT, INSERT"
    rights |= dict.fromkeys(READ_ONLY, "SELECT")
    return {table: granted for table, granted in rights.items() if table in present}
