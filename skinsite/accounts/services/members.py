"""Members of a clinic: their roles, and whether they still are members."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from skinsite.accounts import audit
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Clinic, Membership, Role, User
from skinsite.accounts.policies import require_may_be_member, require_may_manage_clinic


def change_role(*, actor: Actor | User | None, membership: Membership, role: str) -> Membership:
    """Give a member another role.

    Raises ``PermissionDenied`` unless the actor administers the clinic, or is a superuser. Raises ``ValidationError``
    for an unknown role, or if the clinic would be left without an administrator.
    """
    require_may_manage_clinic(actor, membership.clinic)
    with transaction.atomic():
        if role not in Role.values:
            raise ValidationError({"role": _("Choose one of the roles.")}, code="invalid")
        current = _locked(membership)
        if current.role == role:
            return current
        before, current.role = current.role, Role(role)
        if before == Role.ADMINISTRATOR:
            _require_another_administrator(current)
        current.save(update_fields=["role"])
        audit.membership_role_changed(actor=actor, about=current, before=before, after=role)
        return current


def deactivate_member(*, actor: Actor | User | None, membership: Membership) -> Membership:
    """End a member's access to the clinic, on their next request; their API tokens end for good.

    Raises ``PermissionDenied`` unless the actor administers the clinic, or is a superuser. Raises ``ValidationError``
    if the clinic would be left without an administrator.
    """
    require_may_manage_clinic(actor, membership.clinic)
    with transaction.atomic():
        current = _locked(membership)
        if not current.is_active:
            return current
        if current.role == Role.ADMINISTRATOR and not current.user.is_superuser:
            _require_another_administrator(current)
        # What an administrator ends, no group of a directory begins again.
        current.is_active, current.directory = False, ""
        current.save(update_fields=["is_active", "directory"])
        ended, _by_model = current.api_tokens.all().delete()
        audit.membership_deactivated(actor=actor, about=current, api_tokens_ended=ended)
        return current


def reactivate_member(*, actor: Actor | User | None, membership: Membership) -> Membership:
    """Give a former member access again, in the role that they had.

    Raises ``PermissionDenied`` unless the actor administers the clinic, or is a superuser. Raises ``ValidationError``
    for an account that runs the site by now.
    """
    require_may_manage_clinic(actor, membership.clinic)
    require_may_be_member(membership.user)
    with transaction.atomic():
        current = _locked(membership)
        if not current.is_active:
            current.is_active = True
            current.save(update_fields=["is_active"])
            audit.membership_reactivated(actor=actor, about=current)
        return current


def _locked(membership: Membership) -> Membership:
    """The membership as it is now, with the clinic locked: two administrators cannot remove each other at once."""
    Clinic.objects.select_for_update().get(pk=membership.clinic_id)
    return Membership.objects.select_related("user", "clinic").get(pk=membership.pk)


def _require_another_administrator(membership: Membership) -> None:
    others = Membership.objects.active().filter(clinic=membership.clinic, role=Role.ADMINISTRATOR)
    if not others.exclude(pk=membership.pk).exists():
        raise ValidationError(
            _("This is the clinic's last administrator. Make somebody else administrator first."),
            code="last_administrator",
        )
