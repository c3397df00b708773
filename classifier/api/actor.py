"""For whom a request acts."""

from rest_framework.request import Request

from skinsite.accounts.models import Membership


def actor_of(request: Request) -> Membership:
    """The membership that a request acts for; the permission `IsMember` has seen to it that there is one."""
    membership: Membership = request.membership  # type: ignore[attr-defined] # set by the middleware or the token
    return membership
