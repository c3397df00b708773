"""Whether the trail is as it was written: every chain, link by link, and what every event says.

Memory is bounded: a batch of seals at a time, with the rows that they seal.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from skinsite.audit.models import AuditCheckpoint, AuditEvent, AuditPayload, AuditSeal, AuditSubject, Warrant
from skinsite.audit.seals import BEFORE_THE_FIRST, FIELDS, heads, seal_digest

BATCH = 1000
PAYLOAD = AuditPayload._meta.label

# The work of a night seals all; where a clock runs, it is done every half minute.
OVERDUE = timedelta(hours=26)

Progress = Callable[[int], object]


@dataclass(slots=True)
class Verdict:
    """What was verified. ``broken`` says in words what the first broken row is, and is empty where none is.

    ``erased`` are events whose payload has gone by a warrant, ``former`` those that a version before wrote without one.
    """

    checked: int = 0
    erased: int = 0
    former: int = 0
    broken: str = ""


@dataclass(slots=True)
class _End:
    """How far a chain has been verified."""

    chain: int
    number: int = 0
    sha256: str = BEFORE_THE_FIRST


def verify_trail(
    *,
    since_checkpoint: bool = False,
    most: int | None = None,
    progress: Progress | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> Verdict:
    """Verify every chain from its beginning, or from where the last time ended; note how far it is right.

    ``most`` bounds the number of events that are looked at, and ``progress`` is told how many more have been. Stops at
    the first row that is not right.
    """
    verdict = Verdict()
    for head in list(heads(using=using)):
        end = _begin(head.chain, using) if since_checkpoint else _End(head.chain)
        if not verdict.broken and since_checkpoint and end.number:
            verdict.broken = find_other_head(end.chain, end.number, end.sha256, using=using)
        while not verdict.broken and (most is None or verdict.checked < most):
            seals = _next_seals(end, using)
            if not seals:
                break
            _verify_batch(seals, end, verdict, using)
            if progress is not None:
                progress(len(seals))
        if not verdict.broken:
            AuditCheckpoint.objects.using(using).update_or_create(
                chain=end.chain, defaults={"number": end.number, "sha256": end.sha256}
            )
    return verdict


def count_unsealed(*, newest: int | None = None, using: str = DEFAULT_DB_ALIAS) -> int:
    """How many events of more than a night ago are in no chain, among all or the newest so many."""
    waiting = AuditEvent.objects.using(using).filter(seal=None, at__lt=timezone.now() - OVERDUE)
    if newest is not None:
        last: int = AuditEvent.objects.using(using).order_by("-pk").values_list("pk", flat=True).first() or 0
        waiting = waiting.filter(pk__gt=last - newest)
    return waiting.count()


def find_other_head(chain: int, number: int, sha256: str, *, using: str = DEFAULT_DB_ALIAS) -> str:
    """What is wrong with a head that was told before, in words: the chain no longer has it. Empty where it has."""
    seal = AuditSeal.objects.using(using).filter(chain=chain, number=number).first()
    if seal is None:
        return f"chain {chain} has no number {number} any more, which it had"
    return "" if seal.sha256 == sha256 else f"chain {chain} has another hash at number {number} than it had"


def _begin(chain: int, using: str) -> _End:
    checkpoint = AuditCheckpoint.objects.using(using).filter(chain=chain).first()
    return _End(chain, checkpoint.number, checkpoint.sha256) if checkpoint else _End(chain)


def _next_seals(end: _End, using: str) -> list[AuditSeal]:
    later = AuditSeal.objects.using(using).filter(chain=end.chain, number__gt=end.number)
    return list(later.order_by("number")[:BATCH])


def _verify_batch(seals: list[AuditSeal], end: _End, verdict: Verdict, using: str) -> None:
    keys = [seal.event_id for seal in seals]
    events = {row["id"]: row for row in AuditEvent.objects.using(using).filter(pk__in=keys).values(*FIELDS)}
    payloads = AuditPayload.objects.using(using).in_bulk(keys)
    subjects: dict[int, list[tuple[str, str]]] = defaultdict(list)
    shown = AuditSubject.objects.using(using).filter(event__in=keys)
    for told_by, label, key in shown.values_list("event_id", "record_type", "record_id"):
        subjects[told_by].append((label, key))
    gone = [key for key, row in events.items() if row["payload_sha256"] and key not in payloads]
    warranted = _warranted(gone, using)
    for seal in seals:
        event, payload = events.get(seal.event_id), payloads.get(seal.event_id)
        verdict.broken = _fault_of_row(seal, event, end)
        if verdict.broken or event is None:
            return
        if not event["payload_sha256"]:
            verdict.former += 1
        elif payload is None and seal.event_id in warranted:
            verdict.erased += 1
        elif payload is None:
            verdict.broken = f"what event {seal.event_id} says is gone without a warrant"
            return
        elif payload.digest(subjects[seal.event_id]) != event["payload_sha256"]:
            verdict.broken = f"what event {seal.event_id} says, or which records it gave out, is not as it was written"
            return
        end.number, end.sha256 = seal.number, seal.sha256
        verdict.checked += 1


def _fault_of_row(seal: AuditSeal, event: dict[str, Any] | None, end: _End) -> str:
    if seal.number != end.number + 1:
        return f"number {end.number + 1} of chain {seal.chain} is gone"
    if event is None:
        return f"event {seal.event_id} is gone (chain {seal.chain}, number {seal.number})"
    if seal.chain == (event["clinic_id"] or 0) and seal.sha256 == seal_digest(end.sha256, seal.number, event):
        return ""
    return f"event {seal.event_id} is not as it was sealed (chain {seal.chain}, number {seal.number})"


def _warranted(events: Iterable[int], using: str) -> set[int]:
    named = Warrant.objects.using(using).filter(object_type=PAYLOAD, object_id__in=list(map(str, events)))
    return {int(key) for key in named.values_list("object_id", flat=True)}
