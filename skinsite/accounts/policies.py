"""Who may run a clinic."""

from django.core.exceptions import PermissionDenied

from skinsite.accounts.models import Clinic, Membership, Role, User


def may_run(actor: Membership, clinic: Clinic) -> bool:
    """Whether the actor administers this clinic."""
    return actor.is_active and actor.role == Role.ADMINISTRATOR and actor.clinic_id == clinic.pk


def require_administrator(actor: Membership | User | None, clinic: Clinic) -> None:
    """Let the system, superusers and the clinic's administrators pass.

    Raises:
        PermissionDenied: for anybody else.
    """
    if isinstance(actor, User):
        allowed = actor.is_active and actor.is_superuser
    else:
        allowed = actor is None or may_run(actor, clinic)
    if not allowed:
        raise PermissionDenied
