"""Memberships by the groups of a directory: what they made they also change and end."""

from collections.abc import Mapping

from django.db import transaction

from skinsite.accounts import audit
from skinsite.accounts.models import Clinic, Membership, User
from skinsite.settings.directories import Directory


def follow_groups(*, user: User, directory: Directory, roles: Mapping[str, str]) -> None:
    """Bring a person's memberships up to date with the roles, by clinics' short names, that their groups give.

    A membership by invitation is its clinic's and stays as it is. One that a group made gets the group's role, ends
    with it, even as the last administrator's, and begins again with it, unless an administrator ended it: that made it
    the clinic's.
    """
    with transaction.atomic():
        for membership in Membership.objects.filter(user=user, directory=directory.name).select_related("clinic"):
            _follow(membership, roles.get(membership.clinic.slug))
        for clinic in Clinic.objects.filter(slug__in=roles, is_active=True).exclude(memberships__user=user):
            role = roles[clinic.slug]
            made = Membership.objects.create(user=user, clinic=clinic, role=role, directory=directory.name)
            audit.membership_created(actor=None, about=made, role=role)


def _follow(membership: Membership, role: str | None) -> None:
    if role is None:
        if membership.is_active:
            membership.is_active = False
            membership.save(update_fields=["is_active"])
            ended, _by_model = membership.api_tokens.all().delete()
            audit.membership_deactivated(actor=None, about=membership, api_tokens_ended=ended)
        return
    if not membership.is_active:
        membership.is_active = True
        membership.save(update_fields=["is_active"])
        audit.membership_reactivated(actor=None, about=membership)
    if membership.role != role:
        before, membership.role = membership.role, role
        membership.save(update_fields=["role"])
        audit.membership_role_changed(actor=None, about=membership, before=before, after=role)
