"""Who may run a clinic."""

from django.core.exceptions import PermissionDenied

from skinsite.accounts.models import Clinic, Membership, Role


def may_run(actor: Membership, clinic: Clinic) -> bool:
    """Whether the actor administers this clinic."""
    return actor.is_active and actor.role == Role.ADMINISTRATOR and actor.clinic_id == clinic.pk


def require_administrator(actor: Membership | None, clinic: Clinic) -> None:
    """Let the system and the clinic's administrators pass.

    Raises:
        PermissionDenied: for anybody else.
    """
    if actor is not None and not may_run(actor, clinic):
        raise PermissionDenied
