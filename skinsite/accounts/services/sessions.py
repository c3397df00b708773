"""The end of a person's sessions, all of them for certain."""

from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models import F

from skinsite.accounts.models import User


def end_sessions(*, user: User, here: str | None = None) -> None:
    """Sign a person out everywhere; ``user`` has the new epoch from here on.

    No session of before gets in any more, whether a row tells of it or not. Those that a row tells of are deleted, but
    for the one of the key ``here``, which its caller takes over into the new epoch. Call it in the transaction of what
    ends them, whose event says so.
    """
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
        user.refresh_from_db(fields=["session_epoch"])
        for row in UserSession.objects.filter(user=user).exclude(session_key=here):
            row.end()
