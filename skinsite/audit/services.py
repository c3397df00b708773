"""The only writers of the audit trail. Call them inside the transaction of what they tell."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Model

from skinsite.accounts.models import Clinic, Membership, User
from skinsite.audit.models import AuditEvent, EventKind
from skinsite.request_id import current_request_id


def record_change(
    *, actor: Membership | User | None, action: str, obj: Model, clinic: Clinic | None = None, **details: Any
) -> AuditEvent:
    """Record that something changed.

    ``actor`` is None for the system, a user for a superuser, who acts for no clinic. ``action`` is ``noun.verb_past``,
    such as ``image.uploaded``. ``clinic`` is the actor's unless given. ``details`` must be JSON and name no patient, no
    secret and nothing typed as a password.
    """
    return _record(EventKind.CHANGE, actor=actor, action=action, obj=obj, clinic=clinic, details=details)


def record_access(
    *, actor: Membership | User | None, action: str, obj: Model, clinic: Clinic | None = None, **details: Any
) -> AuditEvent:
    """Record that something was looked at or left the site, such as ``image.downloaded``. Arguments as above."""
    return _record(EventKind.ACCESS, actor=actor, action=action, obj=obj, clinic=clinic, details=details)


def record_listing(
    *, actor: Membership, noun: str, rows: int, filters: Iterable[str] = (), **details: Any
) -> AuditEvent:
    """Record that a list of the actor's clinic was given out: how many rows, and by which filters.

    ``filters`` are names alone: what was asked for may name a patient.
    """
    return record_access(
        actor=actor, action=f"{noun}.listed", obj=actor.clinic, rows=rows, filters=sorted(filters), **details
    )


def record_sign_in_event(*, action: str, user: User | None, **details: Any) -> AuditEvent:
    """Record what happens before anyone acts for a clinic: signing in and out, failing to, being locked out."""
    return AuditEvent.objects.create(
        kind=EventKind.ACCESS,
        action=action,
        actor=user,
        actor_email=user.email if user else "",
        object_type=User._meta.label if user else "",
        object_id=str(user.public_id) if user else "",
        request_id=current_request_id(),
        details=details,
    )


def _record(
    kind: EventKind,
    *,
    actor: Membership | User | None,
    action: str,
    obj: Model,
    clinic: Clinic | None,
    details: dict[str, Any],
) -> AuditEvent:
    user = actor.user if isinstance(actor, Membership) else actor
    return AuditEvent.objects.create(
        kind=kind,
        action=action,
        actor=user,
        actor_email=user.email if user else "",
        clinic=clinic or (actor.clinic if isinstance(actor, Membership) else None),
        object_type=obj._meta.label,
        object_id=str(getattr(obj, "public_id", obj.pk)),
        request_id=current_request_id(),
        details=details,
    )
