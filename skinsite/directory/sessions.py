"""By which way somebody came in, for which clinics that counts, and whether the directory still vouches for them."""

from typing import Any

from allauth.account.authentication import get_authentication_records
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from skinsite.accounts.doors import ENDS_KEY, Door
from skinsite.accounts.models import User
from skinsite.directory.configuration import find_directory
from skinsite.directory.models import DirectoryGrant
from skinsite.directory.refusals import RefusalError
from skinsite.directory.services.grants import LEASE, renew_grant
from skinsite.settings.directories import Directory

CHECKED_KEY = "directory_checked_at"
# The grant is looked up once a minute, to spare the database a query for every request.
CHECK_STEP_SECONDS = 60


def directory_record(request: HttpRequest) -> dict[str, Any] | None:
    """allauth's note of how the person of this session came in by a directory; None without one.

    The note is bound to the person: what somebody else left behind in the same session does not count.
    """
    if not isinstance(request.user, User):
        return None
    records = get_authentication_records(request, request.user)
    return next((each for each in reversed(records) if each.get("method") == "socialaccount"), None)


def directory_of(request: HttpRequest) -> Directory | None:
    """The directory by which the person of this session came in, if the settings still have it."""
    record = directory_record(request)
    return find_directory(str(record.get("provider"))) if record else None


def _reach(request: HttpRequest) -> Q | None:
    """A directory's word counts in its own clinics alone."""
    if directory_record(request) is None:
        return None
    directory = directory_of(request)
    return Q(clinic__slug__in=directory.clinics if directory else ())


def _is_vouched_for(request: HttpRequest) -> bool:
    """No directory is behind the session, or one whose word still holds."""
    record = directory_record(request)
    if record is None:
        return True
    now = int(timezone.now().timestamp())
    if 0 <= now - request.session.get(CHECKED_KEY, 0) < CHECK_STEP_SECONDS:
        return True
    grant = _find_grant(request.user, record)
    if grant is not None and grant.refresh_token and grant.vouched_until <= timezone.now():
        is_answered = _ask_again(grant)  # no queue has: it is behind, or there is none
        grant = _find_grant(request.user, record)
        if is_answered and grant is not None and _is_being_asked(grant):
            return True  # by a request beside this one, such as of a page's pictures: that one takes the answer
    if grant is None or grant.vouched_until <= timezone.now() or directory_of(request) is None:
        return False
    request.session[CHECKED_KEY] = now
    request.session[ENDS_KEY] = None if grant.refresh_token else int(grant.vouched_until.timestamp())
    return True


def _find_grant(user: Any, record: dict[str, Any]) -> DirectoryGrant | None:
    grants = DirectoryGrant.objects.filter(user=user).select_related("account", "user")
    return grants.filter(account__provider=record.get("provider"), account__uid=record.get("uid")).first()


def _ask_again(grant: DirectoryGrant) -> bool:
    """Ask the directory, unless that is being done already; False where it cannot be asked: the hour is over."""
    try:
        renew_grant(grant=grant)
    except RefusalError:
        return False
    return True


def _is_being_asked(grant: DirectoryGrant) -> bool:
    return grant.asked_at is not None and grant.asked_at > timezone.now() - LEASE


def _way_out(request: HttpRequest) -> str:
    """The page that offers to sign out at the directory too."""
    directory = directory_of(request)
    return reverse("openid_connect_left", args=[directory.name]) if directory else ""


DOOR = Door(reach=_reach, holds=_is_vouched_for, way_out=_way_out)
