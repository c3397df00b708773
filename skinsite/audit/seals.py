"""Chaining the trail: each event gets a number and a hash that takes in the hash before it.

Sealing comes after writing, in batches, by one process at a time; a second one at the same moment does nothing. A hash
takes in the whole row of the event, and through the row's own hash what it says; so neither can be changed, and no
event taken out, without every later hash of its clinic being another. The last one is told to the log every day, where
whoever rewrites the database does not reach it.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Min
from django.utils import timezone

from skinsite.audit.models import AuditEvent, AuditSeal

log = logging.getLogger(__name__)

BATCH = 1000
# The number of the lock that PostgreSQL keeps for the sealer: any, and no other's.
SEALER = 7_261_300_154
# An event is written at the end of its transaction, which may be a while after it happened.
RECENT = timedelta(hours=1)
MOST_RECENT = 1_000_000
FIELDS = [field.attname for field in AuditEvent._meta.concrete_fields]
BEFORE_THE_FIRST = "0" * 64


def seal_digest(previous: str, number: int, event: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of the hash before, the number and the event's row, by the names of its fields.

    Fields that are empty are left out, so that a field that is added later leaves earlier hashes as they are.
    """
    told = {name: _write(value) for name, value in event.items() if value not in (None, "")}
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(f"{previous}\n{number}\n{text}".encode()).hexdigest()


def seal_events(*, everything: bool = False, using: str = DEFAULT_DB_ALIAS) -> int:
    """Chain the events that have no seal: those of the last hour, or with ``everything`` all. Gives their number."""
    first = 0 if everything else _first_recent(using)
    sealed = 0
    while first is not None:
        with transaction.atomic(using=using):
            events = _unsealed(first, using) if _is_only_sealer(using) else []
            AuditSeal.objects.using(using).bulk_create(_link(events, using))
        sealed += len(events)
        first = events[-1]["id"] + 1 if len(events) == BATCH else None
    return sealed


def log_heads(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Tell the log where each chain ends: whoever keeps the log can tell whether one was cut off or written anew."""
    for head in heads(using=using):
        log.info("trail_head chain=%s number=%s sha256=%s", head.chain, head.number, head.sha256)


def heads(*, using: str = DEFAULT_DB_ALIAS) -> Iterator[AuditSeal]:
    """The last seal of each chain, by jumps from chain to chain through the index."""
    seals = AuditSeal.objects.using(using)
    first = seals.order_by("chain", "number").first()
    while first is not None:
        yield seals.filter(chain=first.chain).latest("number")
        first = seals.filter(chain__gt=first.chain).order_by("chain", "number").first()


def head_of(chain: int, using: str = DEFAULT_DB_ALIAS) -> AuditSeal | None:
    """The last seal of a chain."""
    return AuditSeal.objects.using(using).filter(chain=chain).order_by("-number").first()


def _first_recent(using: str) -> int | None:
    recent = AuditEvent.objects.using(using).filter(at__gte=timezone.now() - RECENT)
    # With a limit, however large: else PostgreSQL looks for the least key by walking up through all keys.
    first: int | None = recent.order_by("at")[:MOST_RECENT].aggregate(first=Min("pk"))["first"]
    return first


def _is_only_sealer(using: str) -> bool:
    """Whether no other process seals at the moment. SQLite has one writer anyway, from the start of a transaction."""
    if connections[using].vendor == "sqlite":
        return True
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEALER])
        return bool(cursor.fetchone()[0])


def _unsealed(first: int, using: str) -> list[dict[str, Any]]:
    waiting = AuditEvent.objects.using(using).filter(pk__gte=first, seal=None)
    return list(waiting.order_by("pk").values(*FIELDS)[:BATCH])


def _link(events: list[dict[str, Any]], using: str) -> list[AuditSeal]:
    ends: dict[int, tuple[int, str]] = {}
    seals = []
    for event in events:
        chain = event["clinic_id"] or 0
        if chain not in ends:
            head = head_of(chain, using)
            ends[chain] = (head.number, head.sha256) if head else (0, BEFORE_THE_FIRST)
        number, previous = ends[chain][0] + 1, ends[chain][1]
        ends[chain] = (number, seal_digest(previous, number, event))
        seals.append(AuditSeal(event_id=event["id"], chain=chain, number=number, sha256=ends[chain][1]))
    return seals


def _write(value: Any) -> Any:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value
