"""The second factor of others: a clinic asks it of everybody, and an administrator takes a lost one away."""

from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from skinsite.accounts import audit
from skinsite.accounts.actors import Actor
from skinsite.accounts.mail import mail_second_factor_reset
from skinsite.accounts.models import Clinic, Membership, User
from skinsite.accounts.policies import require_may_manage_clinic
from skinsite.accounts.services.passwords import require_own_person
from skinsite.accounts.services.sessions import end_sessions


def set_second_factor_required(*, actor: Actor, required: bool) -> Clinic:
    """Ask a second factor of everybody who acts for the actor's clinic, or no longer.

    Whoever has none is led to setting one up on their next request, also in sessions that are open.

    Raises ``PermissionDenied`` unless the actor administers the clinic.
    """
    require_may_manage_clinic(actor, actor.clinic)
    with transaction.atomic():
        clinic = Clinic.objects.select_for_update().get(pk=actor.clinic_id)
        if clinic.second_factor_required != required:
            clinic.second_factor_required = required
            clinic.save(update_fields=["second_factor_required"])
            audit.clinic_second_factor_set(actor=actor, about=clinic, required=required)
        return clinic


def reset_second_factor(*, actor: Actor | None, membership: Membership) -> None:
    """Take a member's second factors and recovery codes away; their sessions end. Both are told by mail if that is set.

    Raises ``PermissionDenied`` unless the actor administers the clinic. Raises ``ValidationError`` for oneself, for
    somebody who works in another clinic too or runs the site, and where there is none.
    """
    require_may_manage_clinic(actor, membership.clinic)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=membership.user_id)
        if actor is not None:
            require_own_person(actor, membership, user)
        take_second_factor_away(user=user, actor=actor, clinic=membership.clinic)
        transaction.on_commit(lambda: mail_second_factor_reset(user=user, by=actor.user if actor else None))


def take_second_factor_away(*, user: User, actor: Actor | None, clinic: Clinic | None) -> None:
    """Delete all that somebody signs in with beside the password, and end their sessions.

    Raises ``ValidationError`` where there is nothing.
    """
    with transaction.atomic():
        deleted, _by_model = Authenticator.objects.filter(user=user).delete()
        if not deleted:
            raise ValidationError(_("This person has no second factor."), code="none")
        end_sessions(user=user)
        audit.user_second_factor_reset(actor=actor, about=user, clinic=clinic)
