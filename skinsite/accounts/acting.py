"""For which clinic a session acts: chosen once, and never changed behind the person's back."""

from allauth.usersessions.models import UserSession
from django.http import HttpRequest

from skinsite.accounts import audit
from skinsite.accounts.actors import ActingPerson
from skinsite.accounts.doors import reach
from skinsite.accounts.models import EmergencyAccess, Membership, User
from skinsite.accounts.selectors import emergencies_of

CLINIC_KEY = "clinic"


def acting_membership(request: HttpRequest, user: User) -> ActingPerson | None:
    """By what the session acts for the clinic that it has chosen; None where nothing gives access any more. A query.

    A session that has chosen none yet takes the oldest membership within its reach, and keeps to it: no other stands in
    for one that ended, since what is typed for one clinic must not land in another. Access in an emergency is chosen by
    the person, and takes a second query.
    """
    memberships = Membership.objects.active().filter(reach(request), user=user).select_related("user", "clinic")
    chosen = request.session.get(CLINIC_KEY)
    if chosen is not None:
        return memberships.filter(clinic_id=chosen).first() or _emergency_in(request, user, chosen)
    oldest = memberships.order_by("created_at", "pk").first()
    if oldest is not None:
        request.session[CLINIC_KEY] = oldest.clinic_id
    return oldest


def _emergency_in(request: HttpRequest, user: User, clinic_id: int) -> EmergencyAccess | None:
    return emergencies_of(user, reach(request)).filter(clinic_id=clinic_id).first()


def act_for(request: HttpRequest, membership: ActingPerson) -> None:
    """Act for this clinic of the person's from here on, under a new session key."""
    request.session[CLINIC_KEY] = membership.clinic_id
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)
    request.membership = membership  # type: ignore[attr-defined] # what MemberRequest declares
    audit.clinic_switched_to(actor=membership, about=membership.clinic)
