"""Keys of the API: made here, shown once, kept as a hash."""

from datetime import timedelta

from django.db import transaction

from skinsite.accounts import audit
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import ApiToken, Membership


def create_token(*, membership: Membership, lifetime: timedelta, actor: Actor | None = None) -> str:
    """Make a key that acts for a membership until its lifetime is over; only its hash is kept."""
    with transaction.atomic():
        token, key = ApiToken.objects.create(membership.user, expiry=lifetime, membership=membership)
        audit.api_token_created(actor=actor, about=token, clinic=membership.clinic)
    return str(key)


def revoke_token(*, token: ApiToken, actor: Actor | None = None) -> None:
    """End a key before its time."""
    with transaction.atomic():
        clinic = token.membership.clinic if token.membership else None
        audit.api_token_revoked(actor=actor, about=token, clinic=clinic)
        token.delete()
