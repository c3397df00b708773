"""Whom a directory's word lets in: known people, invited ones, and members by a group."""

from dataclasses import dataclass

from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from skinsite.accounts import audit
from skinsite.accounts.models import Clinic, Invitation, Membership, User
from skinsite.accounts.names import clean_person_name
from skinsite.directory.claims import Claims, read_address, read_roles
from skinsite.directory.refusals import Reason, RefusalError
from skinsite.directory.services.groups import follow_groups
from skinsite.settings.directories import Directory


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known here of whom the directory names; no account of theirs there yet, or no person at all."""

    account: SocialAccount | None
    user: User | None


def admit_person(*, directory: Directory, claims: Claims) -> SocialAccount:
    """The account of whom a verified id token names, saved with its person.

    An open invitation to their address is accepted; their groups' memberships are brought up to date, also of somebody
    who is not let in.

    Raises ``RefusalError`` for an address that is not verified or of another domain; for somebody without a place in
    one of the directory's clinics; for closed accounts and those that run the site; for an address that another account
    of the directory has come with before.
    """
    address, roles = read_address(directory, claims), read_roles(directory, claims)
    with transaction.atomic():
        # Two sign-ins of one new person at once come one after the other.
        clinics = list(Clinic.objects.select_for_update().filter(slug__in=directory.clinics).order_by("pk"))
        known = _find(directory, str(claims["sub"]), address)
        invitations = _open_invitations(directory, address)
        user = known.user
        if user is None and (roles or invitations):
            user = User.objects.create_user(address, None, name=_name(claims, clinics))
        if user is not None:
            _accept(user, invitations)
            follow_groups(user=user, directory=directory, roles=roles)
        account = _account_with_place(directory, str(claims["sub"]), known.account, user)
    if account is None:
        raise RefusalError(Reason.NO_PLACE, email=address)
    return account


def _find(directory: Directory, subject: str, address: str) -> _Known:
    """By the directory's own name for the person, which nobody gets a second time; else by the address."""
    account = SocialAccount.objects.filter(provider=directory.name, uid=subject).select_related("user").first()
    user: User | None = account.user if account else User.objects.find_by_address(address)
    if user is None:
        return _Known(account, None)
    if user.is_superuser or user.is_staff:
        raise RefusalError(Reason.SUPERUSER, email=address)
    if not user.is_active:
        raise RefusalError(Reason.CLOSED, email=address)
    if account is None and SocialAccount.objects.filter(provider=directory.name, user=user).exists():
        raise RefusalError(Reason.OTHER_PERSON, email=address)
    return _Known(account, user)


def _name(claims: Claims, clinics: list[Clinic]) -> str:
    """As the directory tells it; none where people could not give it themselves, such as a colleague's."""
    try:
        return clean_person_name(str(claims.get("name") or ""), clinics=clinics)
    except ValidationError:
        return ""


def _open_invitations(directory: Directory, address: str) -> list[Invitation]:
    return list(
        Invitation.objects.filter(
            email=address,
            clinic__slug__in=directory.clinics,
            clinic__is_active=True,
            accepted_at=None,
            revoked_at=None,
            expires_at__gt=timezone.now(),
        ).select_related("clinic")
    )


def _accept(user: User, invitations: list[Invitation]) -> None:
    for invitation in invitations:
        taken = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
        if not taken.update(accepted_at=timezone.now()):
            continue
        membership, created = Membership.objects.get_or_create(
            user=user, clinic=invitation.clinic, defaults={"role": invitation.role}
        )
        if created:
            audit.invitation_accepted(actor=membership, about=invitation)


def _account_with_place(
    directory: Directory, subject: str, account: SocialAccount | None, user: User | None
) -> SocialAccount | None:
    places = Membership.objects.active().filter(user=user, clinic__slug__in=directory.clinics)
    if user is None or not places.exists():
        return None
    return account or SocialAccount.objects.create(provider=directory.name, uid=subject, user=user)
