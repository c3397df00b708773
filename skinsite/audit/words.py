"""What the audit trail holds as codes, in the words of whoever reads it."""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from skinsite.audit.models import AuditEvent

VERBS: dict[str, str | Promise] = {
    "accepted": pgettext_lazy("what was done", "accepted"),
    "activated": pgettext_lazy("what was done", "put into service"),
    "added": pgettext_lazy("what was done", "added"),
    "created": pgettext_lazy("what was done", "created"),
    "deactivated": pgettext_lazy("what was done", "access ended"),
    "declared_corrected": pgettext_lazy("what was done", "special site or state corrected"),
    "failed": pgettext_lazy("what was done", "failed"),
    "finished": pgettext_lazy("what was done", "finished"),
    "heat_map_viewed": pgettext_lazy("what was done", "heat-map viewed"),
    "listed": pgettext_lazy("what was done", "list viewed"),
    "locked_out": pgettext_lazy("what was done", "locked out after wrong passwords"),
    "malignant_percent_set": pgettext_lazy("what was done", "share of malignant lesions set"),
    "modality_corrected": pgettext_lazy("what was done", "kind of photograph corrected"),
    "marked_entered_in_error": pgettext_lazy("what was done", "marked as entered in error"),
    "moved": pgettext_lazy("what was done", "moved to another lesion"),
    "password_changed": pgettext_lazy("what was done", "own password changed"),
    "password_reset": pgettext_lazy("what was done", "password reset"),
    "password_set": pgettext_lazy("what was done", "password set"),
    "reactivated": pgettext_lazy("what was done", "access given again"),
    "refused": pgettext_lazy("what was done", "not taken"),
    "registered": pgettext_lazy("what was done", "registered"),
    "renamed": pgettext_lazy("what was done", "renamed"),
    "requested": pgettext_lazy("what was done", "requested"),
    "revoked": pgettext_lazy("what was done", "revoked"),
    "role_changed": pgettext_lazy("what was done", "role changed"),
    "sign_in_failed": pgettext_lazy("what was done", "signing in failed"),
    "signed_in": pgettext_lazy("what was done", "signed in"),
    "signed_out": pgettext_lazy("what was done", "signed out"),
    "switched_to": pgettext_lazy("what was done", "chosen to work in"),
    "thumbnail_viewed": pgettext_lazy("what was done", "viewed small, in a list"),
    "time_zone_set": pgettext_lazy("what was done", "time zone set"),
    "updated": pgettext_lazy("what was done", "changed"),
    "uploaded": pgettext_lazy("what was done", "uploaded"),
    "viewed": pgettext_lazy("what was done", "viewed"),
}
DETAILS: dict[str, str | Promise] = {
    "after": _("after"),
    "api_tokens_ended": _("API tokens ended"),
    "before": _("before"),
    "bundle_sha256": _("checksum"),
    "by": _("by way of"),
    "changed": _("changed"),
    "diagnosis": _("diagnosis"),
    "email": _("e-mail address"),
    "fields": _("fields"),
    "filters": _("filters"),
    "for_email": _("e-mail address"),
    "modality": _("modality"),
    "role": _("role"),
    "rows": _("rows"),
    "status": _("status"),
}
VALUES: dict[str, str | Promise] = {
    "admin": _("the oversight pages"),
    "image": _("photograph"),
    "outcome": _("outcome"),
    "patient_code": _("patient code"),
    "q": _("search"),
    "reviewed": _("review"),
    "since": _("date"),
    "standing": _("readings that do not count"),
    "until": _("date"),
}
NOUNS = {"api_token": "apitoken", "image": "lesionimage", "model": "modelversion"}
"""What actions call a kind of record where its model is called otherwise."""


def action_in_words(action: str) -> str:
    """``noun.verb`` as words; one that is not known stays as it is."""
    noun, verb = action.split(".", 1) if "." in action else (action, "")
    if verb not in VERBS:
        return action
    said = str(VERBS[verb])
    model = _model_named(NOUNS.get(noun, noun))
    if verb == "listed" and model is not None:
        return f"{said}: {model._meta.verbose_name_plural}"
    return f"{model._meta.verbose_name}: {said}" if model is not None else said


def details_in_words(details: dict[str, Any]) -> str:
    """What was recorded beside, each with its name in words; empty lists say nothing."""
    told = {name: value for name, value in details.items() if value not in ([], "", None)}
    return ", ".join(f"{DETAILS.get(name, name)}: {_write(value)}" for name, value in told.items())


def name_subjects(events: Iterable[AuditEvent]) -> None:
    """Give each event its ``subject``: whom or what its record is about, by name; one query for each kind of record.

    A model names by ``audit_subject`` what stands for its records, such as their patient.
    """
    wanted: dict[str, list[AuditEvent]] = {}
    for event in events:
        wanted.setdefault(event.object_type, []).append(event)
    for label, group in wanted.items():
        names = _names(label, {event.object_id for event in group})
        for event in group:
            event.subject = names.get(event.object_id, "")  # type: ignore[attr-defined]  # for the list alone


def kind_in_words(label: str) -> str:
    """A kind of record in the reader's language; one that is no more keeps the name it had."""
    try:
        return str(apps.get_model(label)._meta.verbose_name)
    except (LookupError, ValueError):
        return label


def _names(label: str, ids: set[str]) -> dict[str, str]:
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        return {}
    if not hasattr(model, "public_id"):
        return {}
    path: str = getattr(model, "audit_subject", "")
    records = model._meta.default_manager.select_related(*([path] if path else [])).filter(public_id__in=ids)
    return {str(record.public_id): str(_follow(record, path)) for record in records}


def _follow(record: Any, path: str) -> Any:
    for step in filter(None, path.split("__")):
        record = getattr(record, step)
    return record


def _model_named(name: str) -> type[Model] | None:
    return next((model for model in apps.get_models() if model._meta.model_name == name.replace("_", "")), None)


def _write(value: Any) -> str:
    if isinstance(value, list):
        return " + ".join(map(_write, value))
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(VALUES.get(value) or DETAILS.get(value) or _choices().get(value, value))


@cache
def _choices() -> dict[str, str | Promise]:
    """The words of every code that a field of some model may hold: roles, states, kinds of photograph."""
    fields = [field for model in apps.get_models() for field in model._meta.fields]
    return {code: label for field in fields for code, label in field.flatchoices if isinstance(code, str) and code}
