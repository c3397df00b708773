"""Who may do what to accounts, and the one question that all policies ask."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.translation import gettext as _

from skinsite.accounts.actors import Actor
from skinsite.accounts.models import SYSTEM_CAPABILITIES, Capability, Clinic, User


def may(actor: Actor | User | None, capability: Capability) -> bool:
    """Whether somebody has a capability: an actor, a superuser, who acts for no clinic, or the system itself (None)."""
    return capability in (SYSTEM_CAPABILITIES if actor is None else actor.capabilities)


def may_see_records(actor: Actor) -> bool:
    """Whether an actor works with the records of the clinic's patients at all: asked by every ``visible_to``.

    What only sends photographs finds the patient that they are of; an auditor has the trail alone.
    """
    return bool(actor.capabilities & {Capability.READ_RECORDS, Capability.ADD_RECORDS})


def may_manage_clinic(actor: Actor | User | None, clinic: Clinic) -> bool:
    """Whether somebody may run this clinic: its administrators, superusers and the system."""
    is_elsewhere = actor is not None and not isinstance(actor, User) and actor.clinic_id != clinic.pk
    return not is_elsewhere and may(actor, Capability.MANAGE_CLINIC)


def require_may_manage_clinic(actor: Actor | User | None, clinic: Clinic) -> None:
    """Let pass who may run this clinic.

    Raises ``PermissionDenied`` for anybody else.
    """
    if not may_manage_clinic(actor, clinic):
        raise PermissionDenied


def require_may_be_member(user: User) -> None:
    """Let pass whose account may belong to a clinic.

    Raises ``ValidationError`` for a superuser's: who manages clinics and accounts sees no patient data.
    """
    if user.is_superuser:
        text = _("An account that runs the site sees no patient data and cannot be a member. Use another address.")
        raise ValidationError(text, code="superuser")
