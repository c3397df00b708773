"""The only way into the audit trail: events are functions, each declared once with its name and its words.

An app declares its own in a module `audit`, which its ``AppConfig.ready()`` imports:

    @change("clinic.renamed", pgettext_lazy("what was done", "renamed"), of=Clinic)
    def clinic_renamed(*, actor: Actor, about: Clinic, before: str, after: str) -> Entry:
        return Entry(actor, about, {"before": before, "after": after})

Call them inside the transaction of what they tell. A name stays for good: the trail is never rewritten.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, Protocol

from django.db import transaction
from django.db.models import Model
from django.utils.functional import Promise

from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Clinic, EmergencyAccess, Membership, User
from skinsite.audit.models import AuditEvent, AuditPayload, AuditSubject, EventKind
from skinsite.platform.request_id import current_request_id

P = ParamSpec("P")

SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """What an event says.

    ``actor`` is None for the system and for who is not known, a user for a superuser or somebody who only signs in and
    acts for no clinic.
    ``about`` is the record, None where there is none. ``clinic`` is the actor's unless given. ``details`` must be JSON
    and name no patient, no secret and nothing typed as a password. ``shown`` are the records that were given out, or
    that their pages name: each is found by its id when somebody asks who saw it. They need not be loaded beyond their
    ``public_id``, and one that comes twice counts once.
    """

    actor: Actor | User | None
    about: Model | None
    details: Mapping[str, Any] = field(default_factory=dict)
    clinic: Clinic | None = None
    shown: Iterable[Model] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """An event with what is stored beside it."""

    event: AuditEvent
    payload: AuditPayload
    subjects: list[AuditSubject]


@dataclass(frozen=True, slots=True)
class EventType:
    """A declared event: its name in the trail, its words for people, the model that it is of, and its only writer."""

    name: str
    words: Promise
    of: type[Model]
    writer: str
    kind: EventKind


EVENT_TYPES: list[EventType] = []
_noted: ContextVar[list[str] | None] = ContextVar("noted", default=None)
_together: ContextVar[list[Written] | None] = ContextVar("together", default=None)


class Declaration(Protocol):
    """What turns a function that describes an event into the one that writes it."""

    def __call__(self, describe: Callable[P, Entry], /) -> Callable[P, AuditEvent]:
        """Give the writer, with the same arguments."""


@contextmanager
def written_together() -> Iterator[None]:
    """Write the events of a block in one statement a table, at its end and in their order; none where it ends in an
    error.

    Use it inside of one transaction. A block inside of another belongs to that one.
    """
    if _together.get() is not None:
        yield
        return
    events: list[Written] = []
    token = _together.set(events)
    try:
        yield
    finally:
        _together.reset(token)
    _store(events)


@contextmanager
def noted_refusals() -> Iterator[list[str]]:
    """Give the list in which the names of the refusals that are written meanwhile will stand."""
    names: list[str] = []
    token = _noted.set(names)
    try:
        yield names
    finally:
        _noted.reset(token)


def change(name: str, words: Promise, *, of: type[Model]) -> Declaration:
    """Declare that something changed; ``name`` is ``noun.verb_past``, such as ``image.uploaded``."""
    return _declare(EventKind.CHANGE, name, words, of)


def access(name: str, words: Promise, *, of: type[Model]) -> Declaration:
    """Declare that something was looked at, left the site, or was asked for by somebody who signs in."""
    return _declare(EventKind.ACCESS, name, words, of)


def refusal(name: str, words: Promise, *, of: type[Model]) -> Declaration:
    """Declare that somebody was not given what they asked for, or was not let in."""
    return _declare(EventKind.REFUSAL, name, words, of)


def _declare(kind: EventKind, name: str, words: Promise, of: type[Model]) -> Declaration:
    def declared(describe: Callable[P, Entry], /) -> Callable[P, AuditEvent]:
        EVENT_TYPES.append(EventType(name, words, of, f"{describe.__module__}.{describe.__name__}", kind))

        @wraps(describe)
        def record(*args: P.args, **kwargs: P.kwargs) -> AuditEvent:
            return _write(kind, name, describe(*args, **kwargs))

        return record

    return declared


def _write(kind: EventKind, name: str, entry: Entry) -> AuditEvent:
    event = _row(kind, name, entry)
    said = {**entry.details, **_circumstances(entry.actor)}
    details = json.dumps(said, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    payload = AuditPayload(event=event, salt=secrets.token_hex(SALT_BYTES), details=details)
    shown = list(dict.fromkeys(map(identify, [*entry.shown, *_clinics_told(entry, event)])))
    event.payload_sha256 = payload.digest(shown)
    subjects = [AuditSubject(event=event, record_type=label, record_id=key) for label, key in shown]
    together = _together.get()
    if together is None:
        _store([Written(event, payload, subjects)])
    else:
        together.append(Written(event, payload, subjects))
    return event


def _circumstances(actor: Actor | User | None) -> dict[str, str]:
    """What every event of an actor says, whatever it is of: that they have no other access than in an emergency."""
    return {"under": "emergency_access"} if isinstance(actor, EmergencyAccess) else {}


def _clinics_told(entry: Entry, event: AuditEvent) -> Iterable[Clinic]:
    """The clinics whose readers of the trail are told of an event that is of none: those in which its person works
    just then. Their records of the event say so for good, whatever becomes of the membership."""
    person = entry.actor or entry.about
    if event.clinic_id is not None or not isinstance(person, User):
        return ()
    return Clinic.objects.filter(memberships__in=Membership.objects.active().filter(user=person)).only("public_id")


def _row(kind: EventKind, name: str, entry: Entry) -> AuditEvent:
    actor, about = entry.actor, entry.about
    if actor is None or isinstance(actor, User):
        user, service, clinic = actor, None, None
    else:
        user, service, clinic = actor.user, actor.service, actor.clinic
    label, key = identify(about) if about else ("", "")
    return AuditEvent(
        kind=kind,
        action=name,
        actor=user,
        actor_email=user.email if user else "",
        service=service,
        actor_name=str(service or user or ""),
        clinic=entry.clinic or clinic,
        object_type=label,
        object_id=key,
        request_id=current_request_id(),
    )


def identify(record: Model) -> tuple[str, str]:
    """What a record goes by on the trail: its model's label and its public id, or its key where it has none."""
    return record._meta.label, str(getattr(record, "public_id", record.pk))


def _store(written: list[Written]) -> None:
    with transaction.atomic(savepoint=False):
        AuditEvent.objects.bulk_create([each.event for each in written])
        AuditPayload.objects.bulk_create([each.payload for each in written])
        AuditSubject.objects.bulk_create([subject for each in written for subject in each.subjects])
    noted = _noted.get()
    if noted is not None:
        noted += [each.event.action for each in written if each.event.kind == EventKind.REFUSAL]


def names_of_changed(stored: Model, before: Mapping[str, object]) -> list[str]:
    """Which fields differ from ``before``; not what stood in them, since the trail is never cleared."""
    return [name for name, value in before.items() if getattr(stored, name) != value]
