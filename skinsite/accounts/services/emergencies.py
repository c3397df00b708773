"""Access in an emergency: a named account reads a clinic's records for some hours, and everybody concerned is told."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from skinsite.accounts import audit
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import (
    EMERGENCY_LASTS,
    REASON_LENGTH,
    Clinic,
    EmergencyAccess,
    Membership,
    NoticeKind,
    Role,
    User,
)
from skinsite.accounts.policies import require_may_manage_clinic
from skinsite.accounts.services.notices import notify
from skinsite.text import clean_line, has_visible_sign, too_long

MOST_HOURS = EMERGENCY_LASTS // timedelta(hours=1)


def grant_emergency_access(
    *, actor: Actor | None, clinic: Clinic, email: str, hours: int, reason: str
) -> EmergencyAccess:
    """Let an account, of whomever, read the clinic's records from now on for so many hours; administrators are told.

    Raises ``PermissionDenied`` unless the actor administers the clinic or is the system. Raises ``ValidationError`` by
    field: for hours beyond four, no reason, an address without an account, and somebody who has access already.
    """
    require_may_manage_clinic(actor, clinic)
    if not 1 <= hours <= MOST_HOURS:
        raise ValidationError({"hours": _("Choose one to four hours.")}, code="invalid")
    reason = clean_line(reason)
    if not has_visible_sign(reason):
        raise ValidationError({"reason": _("Say why.")}, code="required")
    if len(reason) > REASON_LENGTH:
        raise ValidationError({"reason": too_long(REASON_LENGTH)})
    with transaction.atomic():
        # Two grants at once come one after the other.
        clinic = Clinic.objects.select_for_update().get(pk=clinic.pk)
        user = _find_person(clinic, email)
        now = timezone.now()
        access = EmergencyAccess.objects.create(
            user=user,
            clinic=clinic,
            reason=reason,
            granted_by=actor.user if actor else None,
            granted_at=now,
            ends_at=now + timedelta(hours=hours),
        )
        audit.emergency_access_granted(actor=actor, about=access)
        _tell(access)
        return access


def end_emergency_access(*, actor: Actor | User | None, access: EmergencyAccess) -> None:
    """End it before its time: on the person's next request nothing of the clinic is shown.

    Raises ``PermissionDenied`` for anybody but its person, the clinic's administrators and the system.
    """
    person = actor if actor is None or isinstance(actor, User) else actor.user
    if person != access.user:
        require_may_manage_clinic(actor, access.clinic)
    with transaction.atomic():
        running = EmergencyAccess.objects.active().filter(pk=access.pk)
        if running.update(ended_at=timezone.now(), ended_by=person):
            audit.emergency_access_ended(actor=actor, about=access)


def _find_person(clinic: Clinic, email: str) -> User:
    """Whose account it is, if it may be given access.

    Raises ``ValidationError`` at ``email``.
    """
    user = User.objects.find_by_address(email)
    if user is None or not user.is_active:
        raise ValidationError({"email": _("There is no account with this address.")}, code="unknown")
    if Membership.objects.active().filter(user=user, clinic=clinic).exists():
        raise ValidationError({"email": _("This person is a member already.")}, code="member")
    if not clinic.is_active:
        raise ValidationError({"email": _("This clinic is closed.")}, code="closed")
    if EmergencyAccess.objects.active().filter(user=user, clinic=clinic).exists():
        raise ValidationError({"email": _("This person has emergency access already.")}, code="running")
    return user


def _tell(access: EmergencyAccess) -> None:
    """Write to the clinic's administrators; not why, since a mail names no patient."""
    administrators = Membership.objects.active().filter(clinic=access.clinic, role=Role.ADMINISTRATOR)
    for administrator in administrators.select_related("user"):
        notify(
            administrator.user,
            NoticeKind.EMERGENCY,
            clinic=access.clinic.name,
            person=access.user.email,
            by=access.granted_by.email if access.granted_by else "",
            until=access.ends_at.isoformat(),
        )
