"""Looking at the trail is on the trail, and does not fill it: once an hour a page, unless it names somebody new."""

import json
from collections.abc import Collection, Iterable
from datetime import timedelta

from django.db.models import Model
from django.utils import timezone

from skinsite.accounts.actors import Actor
from skinsite.accounts.models import User
from skinsite.audit import own as audit
from skinsite.audit.events import identify
from skinsite.audit.models import AuditEvent, AuditSubject

FRESH = timedelta(hours=1)


def note_look(
    *,
    reader: Actor | User,
    question: str,
    about: Model | None = None,
    rows: int,
    filters: Collection[str],
    shown: Iterable[Model],
) -> None:
    """Record that somebody looked at a page of the trail, and whom it named to them.

    Who goes on through the same page, or looks at it again, is told of once more only for those records that no event
    of theirs about this page has named in the last hour; an hour later everything is told anew.
    """
    records = {identify(record): record for record in shown}
    earlier = _earlier(reader, question, about, filters)
    named = AuditSubject.objects.filter(event__in=earlier, record_id__in=[key for _label, key in records])
    known = set(named.values_list("record_type", "record_id")) if earlier and records else set()
    unknown = [record for key, record in records.items() if key not in known]
    if unknown or not earlier:
        audit.trail_viewed(actor=reader, question=question, about=about, rows=rows, filters=filters, shown=unknown)


def _earlier(reader: Actor | User, question: str, about: Model | None, filters: Collection[str]) -> list[int]:
    """The keys of the last hour's events about this page: of the same question, record and filters."""
    if isinstance(reader, User):
        events = AuditEvent.objects.filter(actor=reader, clinic=None)
    else:
        events = AuditEvent.objects.filter(actor=reader.user, service=reader.service, clinic=reader.clinic_id)
    label, key = identify(about) if about else ("", "")
    looks = events.filter(
        action="trail.viewed", at__gte=timezone.now() - FRESH, object_type=label, object_id=key
    ).values_list("pk", "payload__details")
    said = {"question": question, "filters": sorted(filters)}
    return [pk for pk, details in looks if details and said.items() <= json.loads(details).items()]
