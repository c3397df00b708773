"""For how long a directory's word holds: an hour, then it is asked again, by the queue or by the person's next request.

An account that is closed in the directory is out within the hour: asked again, the directory refuses, and everything
under its word ends at once; where it cannot be asked, the hour ends by itself.
"""

import logging
from datetime import timedelta
from time import monotonic

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from skinsite.accounts.models import ApiToken, Clinic
from skinsite.directory import audit
from skinsite.directory.claims import read_roles
from skinsite.directory.configuration import find_directory
from skinsite.directory.id_token import read_id_token
from skinsite.directory.models import REFRESH_TOKENS, DirectoryGrant
from skinsite.directory.refusals import Reason, RefusalError
from skinsite.directory.services.groups import follow_groups
from skinsite.directory.token_endpoint import GrantRefusalError, ask_for_tokens
from skinsite.settings.directories import Directory

logger = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
# Half of the hour: a directory that is away for a while loses nobody.
RENEWED_BEFORE = timedelta(minutes=30)
# So long one process may be at it; then it is taken to have died.
LEASE = timedelta(seconds=30)
# Of a round, which stays under a task's soft time limit.
ROUND_SECONDS = 20


def keep_grant(*, account: SocialAccount, refresh_token: str) -> DirectoryGrant:
    """Note that a directory vouches for a person now. The newest refresh token is the one that is asked with."""
    now = timezone.now()
    values = {
        "user_id": account.user_id,
        "refresh_token": REFRESH_TOKENS.encrypt(refresh_token),
        "signed_in_at": now,
        "vouched_until": now + HOUR,
        "asked_at": None,
    }
    grant: DirectoryGrant = DirectoryGrant.objects.update_or_create(account=account, defaults=values)[0]
    return grant


def renew_due_grants() -> int:
    """Ask the directories again for everybody whose hour is half over; how many they vouched for.

    A directory that does not answer is not asked again in this round, and a round has its time: the next goes on. Of
    people who are long gone the refresh token is forgotten.
    """
    until, away, renewed = monotonic() + ROUND_SECONDS, set[str](), 0
    due = DirectoryGrant.objects.filter(vouched_until__lt=timezone.now() + RENEWED_BEFORE).exclude(refresh_token="")
    for grant in due.select_related("account", "user").order_by("vouched_until"):
        if monotonic() > until:
            break
        if not _is_wanted(grant):
            DirectoryGrant.objects.filter(pk=grant.pk).update(refresh_token="")
        elif grant.account.provider not in away:
            try:
                renewed += renew_grant(grant=grant)
            except RefusalError as refused:
                logger.warning("Renewal by %s: %s", grant.account.provider, refused)
                if refused.reason is Reason.UNREACHABLE:  # another reason may be this person's alone
                    away.add(grant.account.provider)
    return renewed


def renew_grant(*, grant: DirectoryGrant) -> bool:
    """Ask the directory whether it still vouches for a person: not if it refuses, or is being asked already.

    Raises ``RefusalError`` if it gives no answer to believe: the hour runs on then, and of the answer nothing is kept
    but the refresh token, since the one that was spent is worth nothing any more.
    """
    directory = find_directory(grant.account.provider)
    token = REFRESH_TOKENS.decrypt(grant.refresh_token)
    now = timezone.now()
    free = DirectoryGrant.objects.filter(Q(asked_at=None) | Q(asked_at__lt=now - LEASE), pk=grant.pk)
    if directory is None or not token or not free.update(asked_at=now):
        return False
    try:
        answer = ask_for_tokens(directory, grant_type="refresh_token", refresh_token=token)
    except GrantRefusalError:
        end_access(grant=grant, directory=directory)
        return False
    # Most directories give a new refresh token each time; the others go on with the one that they gave.
    kept = REFRESH_TOKENS.encrypt(str(answer.get("refresh_token") or token))
    # Of a token that a later sign-in has replaced meanwhile nothing is kept.
    same = DirectoryGrant.objects.filter(pk=grant.pk, refresh_token=grant.refresh_token)
    if not same.update(refresh_token=kept):
        return False
    claims = _claims(directory, answer.get("id_token"), grant.account)
    with transaction.atomic():
        if claims is not None and directory.groups_claim in claims:
            follow_groups(user=grant.user, directory=directory, roles=read_roles(directory, claims))
        same = DirectoryGrant.objects.filter(pk=grant.pk, refresh_token=kept)
        return bool(same.update(vouched_until=now + HOUR, asked_at=None))


def end_access(*, grant: DirectoryGrant, directory: Directory) -> None:
    """End what a person has under a directory's word: sessions, within a minute, and API tokens of its clinics."""
    with transaction.atomic():
        same = DirectoryGrant.objects.filter(pk=grant.pk, refresh_token=grant.refresh_token)
        if not same.delete()[0]:
            return  # they have signed in anew meanwhile, or it is done
        tokens = ApiToken.objects.filter(user=grant.user, membership__clinic__slug__in=directory.clinics)
        ended = tokens.delete()[0]
        audit.directory_access_ended(
            about=grant.user, clinic=clinic_of(directory), directory=directory, api_tokens_ended=ended
        )


def clinic_of(directory: Directory) -> Clinic | None:
    """The clinic in whose trail a directory's events stand: its only one."""
    return Clinic.objects.filter(slug__in=directory.clinics).first() if len(directory.clinics) == 1 else None


def _claims(directory: Directory, id_token: object, account: SocialAccount) -> dict[str, object] | None:
    """Those of the id token that came along, if one did."""
    if not id_token:
        return None
    claims = read_id_token(directory, id_token, nonce=None)
    if claims["sub"] != account.uid:
        raise RefusalError(Reason.FORGED, "sub: of another person")
    return claims


def _is_wanted(grant: DirectoryGrant) -> bool:
    """Whether anything hangs on it: a session that may still run, or an API token."""
    may_run = grant.signed_in_at > timezone.now() - timedelta(seconds=settings.SESSION_ABSOLUTE_SECONDS)
    tokens = ApiToken.objects.filter(Q(expiry=None) | Q(expiry__gt=timezone.now()), user=grant.user)
    return may_run or tokens.exists()
