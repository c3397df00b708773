"""What the audit trail holds as codes, in the words of whoever reads it."""

import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from skinsite.audit.events import EVENT_TYPES
from skinsite.audit.models import AuditEvent, EventKind

DETAILS: dict[str, str | Promise] = {
    "after": _("after"),
    "api_tokens_ended": _("API tokens ended"),
    "before": _("before"),
    "by": _("by way of"),
    "changed": _("changed"),
    "count": _("number"),
    "email": _("e-mail address"),
    "factor": _("second factor"),
    "fields": _("fields"),
    "filters": _("filters"),
    "for_email": _("e-mail address"),
    "for_service": _("service account"),
    "in_this_minute": _("in this minute"),
    "language": _("language"),
    "name": _("name"),
    "required": _("required"),
    "role": _("role"),
    "rows": _("rows"),
    "scope": _("scope"),
    "status": _("status"),
    "theme": _("theme"),
    "time_zone": _("time zone"),
    "under": _("under"),
    "ends_at": _("until"),
}
RECORDS: dict[str, str | Promise] = {"shown": _("records shown")}
"""Details that are lists of identifiers: long, and told apart from the others."""

VALUES: dict[str, str | Promise] = {
    "admin": _("the oversight pages"),
    "emergency_access": _("emergency access"),
    "q": _("search"),
    "since": _("date"),
    "until": _("date"),
}
"""Names and values of details in words; an app adds those of its own events."""
YES, NO = pgettext_lazy("an answer", "yes"), pgettext_lazy("an answer", "no")
BRIEF: dict[str, Callable[[str], str]] = {}
"""How a page writes a detail that is long and that nobody reads out, such as a checksum; an app adds its own."""


def action_in_words(action: str) -> str:
    """The words of a declared event and of the model that it is of; a name that no app declares stays as it is."""
    declared = next((each for each in EVENT_TYPES if each.name == action), None)
    if declared is None:
        return action
    if action.endswith(".listed"):
        return f"{declared.words}: {declared.of._meta.verbose_name_plural}"
    return f"{declared.of._meta.verbose_name}: {declared.words}"


def actor_in_words(event: AuditEvent) -> str:
    """The person by their address, the program by its name; who is refused without being known is no system."""
    unknown = _("The system") if event.kind != EventKind.REFUSAL else _("Somebody who was not known")
    return event.actor_email or event.actor_name or str(unknown)


def details_in_words(details: dict[str, Any], *, brief: bool = False) -> str:
    """What was recorded beside, each with its name in words; empty lists say nothing, records are left out.

    ``brief`` shortens what is long, for a page.
    """
    told = {name: value for name, value in details.items() if value not in ([], "", None) and name not in RECORDS}
    if brief:
        told |= {name: BRIEF[name](value) for name, value in told.items() if name in BRIEF and isinstance(value, str)}
    return ", ".join(f"{DETAILS.get(name, name)}: {_write(value)}" for name, value in told.items())


def what_was_done(action: str) -> str:
    """The words of a declared event alone, where it is plain of what it is."""
    return str(next((each.words for each in EVENT_TYPES if each.name == action), action))


def records_in_details(details: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The lists of records that were recorded beside: what each is in words, and the identifiers."""
    return [(str(words), details[name]) for name, words in RECORDS.items() if details.get(name)]


def name_subjects(events: Iterable[AuditEvent]) -> None:
    """Give each event its ``subject``: whom or what its record is about; one query for each kind of record.

    A model names by ``audit_subject`` what stands for its records, such as their patient.
    """
    wanted: dict[str, list[AuditEvent]] = {}
    for event in events:
        wanted.setdefault(event.object_type, []).append(event)
    for label, group in wanted.items():
        names = _names(label, {event.object_id for event in group})
        for event in group:
            event.subject = names.get(event.object_id, "")  # type: ignore[attr-defined] # for the list alone


def kind_in_words(label: str) -> str:
    """A kind of record in the reader's language; one that is no more keeps the name it had."""
    try:
        return str(apps.get_model(label)._meta.verbose_name)
    except (LookupError, ValueError):
        return label


def _names(label: str, ids: set[str]) -> dict[str, Model]:
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        return {}
    if not hasattr(model, "public_id"):
        return {}
    path: str = getattr(model, "audit_subject", "")
    records = model._meta.default_manager.select_related(*([path] if path else [])).filter(public_id__in=ids)
    return {str(record.public_id): _follow(record, path) for record in records}


def named_records(events: Iterable[AuditEvent]) -> dict[str, Model]:
    """The records, by their ids, that events gave out and that have a page of the trail, such as patients.

    A model names that page by ``trail_address``. One query for each such model, beside the events' own subjects.
    """
    wanted: dict[str, set[str]] = {}
    for event in events:
        for subject in event.subjects.all():
            wanted.setdefault(subject.record_type, set()).add(subject.record_id)
    models = [model for model in apps.get_models() if hasattr(model, "trail_address")]
    found: dict[str, Model] = {}
    for model in models:
        found |= _names(model._meta.label, wanted.get(model._meta.label, set()))
    return found


def plural_in_words(label: str, count: int) -> str:
    """How many records of a kind, in the reader's language."""
    try:
        return f"{apps.get_model(label)._meta.verbose_name_plural}: {count}"
    except (LookupError, ValueError):
        return f"{label}: {count}"


def _follow(record: Any, path: str) -> Any:
    for step in filter(None, path.split("__")):
        record = getattr(record, step)
    return record


def _write(value: Any) -> str:
    if isinstance(value, list):
        return " + ".join(dict.fromkeys(map(_write, value)))
    if isinstance(value, bool):
        return str(YES if value else NO)
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(VALUES.get(value) or DETAILS.get(value) or _choices().get(value, value))


@cache
def _choices() -> dict[str, str | Promise]:
    """The words of every code that a field of some model may hold: roles, states, kinds of photograph."""
    fields = [field for model in apps.get_models() for field in model._meta.fields]
    return {code: label for field in fields for code, label in field.flatchoices if isinstance(code, str) and code}
