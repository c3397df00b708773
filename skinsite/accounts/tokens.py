"""Keys of the API: made here, shown once, kept as a hash."""

from datetime import timedelta

from django.db import transaction

from skinsite.accounts.models import ApiToken, Membership
from skinsite.audit.services import record_change


def create_token(*, membership: Membership, lifetime: timedelta, actor: Membership | None = None) -> str:
    """Make a key that acts for a membership until its lifetime is over; only its hash is kept."""
    with transaction.atomic():
        token, key = ApiToken.objects.create(membership.user, expiry=lifetime, membership=membership)
        record_change(
            actor=actor,
            action="api_token.created",
            obj=token,
            clinic=membership.clinic,
            for_email=membership.user.email,
        )
    return str(key)


def revoke_token(*, token: ApiToken, actor: Membership | None = None) -> None:
    """End a key before its time."""
    with transaction.atomic():
        clinic = token.membership.clinic if token.membership else None
        record_change(actor=actor, action="api_token.revoked", obj=token, clinic=clinic, for_email=token.user.email)
        token.delete()
