"""What the trail answers, to whom: pages of events that stay quick however long it is, in words.

A page is found by the place where the one before ended, and never by counting: each question is a walk along an index.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from heapq import merge
from itertools import islice

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Capability, Clinic, User
from skinsite.accounts.oversight import is_superuser, overseer
from skinsite.audit.models import AuditEvent, AuditSubject
from skinsite.audit.words import (
    action_in_words,
    actor_in_words,
    details_in_words,
    kind_in_words,
    name_subjects,
    named_records,
    plural_in_words,
)
from skinsite.zones import end_of_day, start_of_day

Streams = list[QuerySet[AuditEvent]]
"""Events from several places, which a page brings together by time."""

ROWS_ON_A_PAGE = 50
CLINIC = Clinic._meta.label


@dataclass(frozen=True, slots=True)
class Row:
    """An event in words; ``named`` are the records that it gave out and that have a page of the trail."""

    event: AuditEvent
    who: str
    what: str
    about: str
    details: str
    counts: list[str]
    named: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Events, the newest first; ``older`` is where the next page begins, empty at the end. ``shown`` are named."""

    rows: list[Row]
    older: str = ""
    shown: list[Model] = field(default_factory=list)


def reader_of(request: HttpRequest) -> Actor | User:
    """For whom the trail is read: a clinic's administrator or auditor, or a superuser, who reads what is no clinic's.

    Raises ``PermissionDenied`` for anybody else.
    """
    if is_superuser(request) and isinstance(request.user, User):
        return request.user
    reader = overseer(request, Capability.READ_AUDIT)
    if reader is None:
        raise PermissionDenied
    return reader


def events_for(reader: Actor | User, *, person: User | None = None) -> Streams:
    """All that somebody may read, or of it what one ``person`` did.

    Of a clinic its own events, and what its people did before they acted for one, such as signing in, or what befell
    their accounts. Of a superuser what belongs to no clinic.

    Who was at work in which clinic at the time stands with the event: what somebody did before they came and after they
    left is not told. Whoever runs the site is none of a clinic's people: they act on other clinics.
    """
    events = AuditEvent.objects.select_related("payload", "actor").prefetch_related("subjects")
    if person is not None:
        events = events.filter(actor=person)
    if isinstance(reader, User):
        return [events.filter(clinic=None)]
    # By the id alone, which no other record has: PostgreSQL takes id and type for independent, expects a tenth of what
    # it then finds, and sorts all of a clinic's instead of walking to the first page's end.
    named = AuditSubject.objects.filter(event=OuterRef("pk"), record_id=str(reader.clinic.public_id))
    own, told = Q(clinic=reader.clinic_id), Q(Exists(named), clinic=None)
    # Of one person in one walk, along the index of who did what.
    return [events.filter(own | told)] if person is not None else [events.filter(own), events.filter(told)]


def people_for(reader: Actor | User) -> QuerySet[User]:
    """Whose doings somebody may ask about: a clinic's members and who had access in an emergency, former ones too; a
    superuser about superusers."""
    if isinstance(reader, User):
        return User.objects.filter(is_superuser=True).order_by("email")
    known = Q(memberships__clinic=reader.clinic_id) | Q(emergency_accesses__clinic=reader.clinic_id)
    return User.objects.filter(known).distinct().order_by("email")


def narrow(
    streams: Streams, *, since: date | None = None, until: date | None = None, person: User | None = None
) -> Streams:
    """Events of these days of the current time zone, both counted in, and of this person."""
    conditions = Q()
    if since is not None:
        conditions &= Q(at__gte=start_of_day(since))
    if until is not None:
        conditions &= Q(at__lt=end_of_day(until))
    if person is not None:
        conditions &= Q(actor=person)
    return [stream.filter(conditions) for stream in streams]


def read_page(streams: Streams, *, before: str = "", size: int = ROWS_ON_A_PAGE, names: bool = True) -> TrailPage:
    """A page of events that begins after the place ``before``; without ``names`` no record goes by its name."""
    found = list(islice(_newest_first(streams, before, size + 1), size + 1))
    events, more = found[:size], len(found) > size
    older = f"{events[-1].at.isoformat()}_{events[-1].pk}" if more else ""
    rows, shown = _describe(events, names=names)
    return TrailPage(rows, older, shown)


def _newest_first(streams: Streams, before: str, size: int) -> Iterator[AuditEvent]:
    place = _place(before)
    pages = []
    for stream in streams:
        if place is not None:
            at, pk = place
            stream = stream.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk), at__lte=at)  # noqa: PLW2901 narrowed
        pages.append(stream.order_by("-at", "-pk")[:size])
    return merge(*pages, key=lambda event: (event.at, event.pk), reverse=True)


def _place(before: str) -> tuple[datetime, int] | None:
    """Where a page begins; None for the newest, and for what is no place."""
    moment, _line, pk = before.rpartition("_")
    try:
        at = parse_datetime(moment)
        if at is None or at.tzinfo is None or not pk.isascii() or len(pk) >= 19:  # noqa: PLR2004 digits of the largest key
            return None
        return at.astimezone(UTC), int(pk)
    except (ValueError, OverflowError):  # the latter at the calendar's ends
        return None


def _describe(events: Sequence[AuditEvent], *, names: bool) -> tuple[list[Row], list[Model]]:
    if not names:
        name_subjects(event for event in events if event.object_type == User._meta.label)
        return [_row(event, {}) for event in events], []
    name_subjects(events)
    known = named_records(events)
    shown = [*known.values()]
    for event in events:
        subject = getattr(event, "subject", "")
        shown += [subject] if isinstance(subject, Model) else []
    return [_row(event, known) for event in events], shown


def _row(event: AuditEvent, known: dict[str, Model]) -> Row:
    subjects = list(event.subjects.all()) if known else []
    # Where else a person works is no business of a clinic's.
    counts = Counter(each.record_type for each in subjects if each.record_type != CLINIC)
    named = [known[each.record_id] for each in subjects if each.record_id in known]
    about = getattr(event, "subject", "") or event.object_id[:8]
    return Row(
        event=event,
        who=actor_in_words(event),
        what=action_in_words(event.action),
        about=" ".join(filter(None, [kind_in_words(event.object_type), str(about)])),
        details=details_in_words(event.details),
        counts=[plural_in_words(label, count) for label, count in sorted(counts.items())],
        named=[(str(each), reverse(each.trail_address, args=[each.public_id])) for each in named],  # type: ignore[attr-defined] # what `named_records` asks for
    )
