"""What earlier events say is copied into the table beside, under a salt of its own, and emptied in the row.

A batch is a transaction: what broke off is run again, and nobody who writes waits for all. The triggers that keep the
rows are off within a batch alone, and come back whole after every migrate.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from typing import Any

from django.db import migrations, transaction

BATCH = 2000
WAITING = "SELECT id, details FROM audit_auditevent WHERE payload_sha256 = '' AND id > %s ORDER BY id LIMIT %s"
TRIGGERS = ("audit_auditevent_refuse_update", "audit_auditevent_refuse_delete")


def move(_apps: Any, schema_editor: Any) -> None:
    """Go through all events that have no payload."""
    connection = schema_editor.connection
    for rows in _batches(connection):
        payloads, hashes = [], []
        for event, details in rows:
            salt, text = secrets.token_hex(16), json.dumps(json.loads(details), ensure_ascii=False, separators=(",", ":"))
            payloads.append((event, salt, text))
            hashes.append((hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest(), event))
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            _switch(cursor, connection.vendor, on=False)
            cursor.executemany("INSERT INTO audit_auditpayload (event_id, salt, details) VALUES (%s, %s, %s)", payloads)
            cursor.executemany(
                "UPDATE audit_auditevent SET payload_sha256 = %s, details = '{}' WHERE id = %s", hashes
            )
            _switch(cursor, connection.vendor, on=True)


def _batches(connection: Any) -> Iterator[list[tuple[int, str]]]:
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(WAITING, [last, BATCH])
            rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1][0]
        yield rows


def _switch(cursor: Any, vendor: str, *, on: bool) -> None:
    if vendor == "postgresql":
        if on:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks to come cannot be altered
        cursor.execute(f"ALTER TABLE audit_auditevent {'ENABLE' if on else 'DISABLE'} TRIGGER USER")
    elif not on:
        for name in TRIGGERS:
            cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"')


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("audit", "0003_payload_beside_the_row")]
    operations = [migrations.RunPython(move, migrations.RunPython.noop, elidable=True)]
