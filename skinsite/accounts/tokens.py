"""Keys of the API: made here, shown once, kept as a hash."""

import uuid
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from skinsite.accounts import audit
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import PROGRAM_NAME_LENGTH, ApiToken, Membership, NoticeKind, Scope, User
from skinsite.accounts.policies import may_manage_clinic
from skinsite.accounts.services.notices import notify
from skinsite.idempotency import row_id
from skinsite.text import clean_line, has_visible_sign, too_long

USUAL_DAYS, LONGEST_DAYS = 90, 365
MOST_TOKENS = 20
"""That one person may have in one clinic, expired ones not counted."""
KEPT_AFTER_EXPIRY = timedelta(days=30)


def create_token(
    *,
    membership: Membership,
    name: str,
    scope: str,
    days: int = USUAL_DAYS,
    actor: Actor | None = None,
    once: uuid.UUID | None = None,
) -> tuple[ApiToken, str]:
    """Make a key that acts for a membership for so many days; give it with its text, of which only a hash is kept.

    A form sent twice (by its ``once``) makes one key, which is not told again.

    Raises ``PermissionDenied`` for anybody but the member and the system. Raises ``ValidationError`` by field.
    """
    if actor is not None and actor != membership:
        raise PermissionDenied
    fields = {"name": clean_program_name(name), "scope": check_scope(scope), "membership": membership}
    lifetime = check_days(days)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=membership.user_id)  # two at once come one after the other
        public_id = row_id(once, membership, *fields.values(), days)
        refuse_made(ApiToken.objects.filter(public_id=public_id))
        own = ApiToken.objects.filter(membership=membership)
        own.filter(expiry__lt=timezone.now() - KEPT_AFTER_EXPIRY).delete()
        if own.filter(expiry__gt=timezone.now()).count() >= MOST_TOKENS:
            text = _("You have %(count)s tokens here already. Revoke one that is not used any more.")
            raise ValidationError(text % {"count": MOST_TOKENS}, code="too_many")
        token, key = ApiToken.objects.create(membership.user, expiry=lifetime, public_id=public_id, **fields)
        audit.api_token_created(actor=actor, about=token, clinic=membership.clinic)
        notify(membership.user, NoticeKind.TOKEN, name=token.name, clinic=membership.clinic.name)
    return token, str(key)


def revoke_token(*, actor: Actor | None, token: ApiToken) -> None:
    """End a key before its time: one's own, or any of the clinic that one administers.

    Raises ``PermissionDenied`` for anybody else.
    """
    is_own = actor is not None and actor.user_id is not None and token.user_id == actor.user_id
    if not is_own and not may_manage_clinic(actor, token.clinic):
        raise PermissionDenied
    with transaction.atomic():
        audit.api_token_revoked(actor=actor, about=token, clinic=token.clinic)
        token.delete()


def end_tokens(*, user: User) -> int:
    """End all keys that act for a person, in every clinic; gives how many could still be used.

    Call it in the transaction of what ends them, whose event tells the number.
    """
    tokens = ApiToken.objects.filter(user=user)
    working: int = tokens.filter(expiry__gt=timezone.now()).count()
    tokens.delete()
    return working


def refuse_made(made: QuerySet[Any]) -> None:
    """Raise ``ValidationError`` where the same copy of a form has made what it asks for: a key is told once alone."""
    if made.exists():
        text = _("This token has been made already, and is shown only once. If you did not keep it, revoke it.")
        raise ValidationError(text, code="made")


def clean_program_name(name: str) -> str:
    """The name of a token or a service account as it is kept.

    Raises ``ValidationError`` at ``name`` for one that is empty or too long.
    """
    cleaned = clean_line(name)
    if not has_visible_sign(cleaned):
        raise ValidationError({"name": _("Say in a word or two which program it is for.")}, code="required")
    if len(cleaned) > PROGRAM_NAME_LENGTH:
        raise ValidationError({"name": too_long(PROGRAM_NAME_LENGTH)})
    return cleaned


def check_scope(scope: str) -> Scope:
    """The scope by its code. Raises ``ValidationError`` at ``scope`` for another."""
    if scope not in Scope.values:
        raise ValidationError({"scope": _("Choose one of the scopes.")}, code="invalid")
    return Scope(scope)


def check_days(days: int) -> timedelta:
    """A lifetime of so many days. Raises ``ValidationError`` at ``days`` for one that is none, or too long."""
    if not 1 <= days <= LONGEST_DAYS:
        text = _("A token works for 1 to %(most)s days.") % {"most": LONGEST_DAYS}
        raise ValidationError({"days": text}, code="invalid")
    return timedelta(days=days)
