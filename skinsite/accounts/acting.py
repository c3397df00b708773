"""For which clinic a session acts: chosen once, and never changed behind the person's back."""

from allauth.usersessions.models import UserSession
from django.http import HttpRequest

from skinsite.accounts import audit
from skinsite.accounts.models import Membership, User
from skinsite.directory.sessions import reach

CLINIC_KEY = "clinic"


def acting_membership(request: HttpRequest, user: User) -> Membership | None:
    """The person's membership in the clinic that the session acts for, None where it gives no access any more. A query.

    A session that has chosen none yet takes the oldest membership within its reach, and keeps to it: no other stands in
    for one that ended, since what is typed for one clinic must not land in another.
    """
    memberships = Membership.objects.active().filter(reach(request), user=user).select_related("user", "clinic")
    chosen = request.session.get(CLINIC_KEY)
    if chosen is not None:
        return memberships.filter(clinic_id=chosen).first()
    oldest = memberships.order_by("created_at", "pk").first()
    if oldest is not None:
        request.session[CLINIC_KEY] = oldest.clinic_id
    return oldest


def act_for(request: HttpRequest, membership: Membership) -> None:
    """Act for this clinic of the person's from here on, under a new session key."""
    request.session[CLINIC_KEY] = membership.clinic_id
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)
    request.membership = membership  # type: ignore[attr-defined] # what MemberRequest declares
    audit.clinic_switched_to(actor=membership, about=membership.clinic)
