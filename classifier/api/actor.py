"""For whom a request acts."""

from rest_framework.request import Request

from skinsite.accounts.actors import Actor
from skinsite.accounts.models import ApiToken


def actor_of(request: Request) -> Actor:
    """The token or the membership that a request acts by; the permission `IsMember` has seen to it that there is one.

    A token acts for its clinic, under the name of its person or its service account, and may do what its scope allows.
    """
    if isinstance(request.auth, ApiToken):
        return request.auth
    membership: Actor = request.membership  # type: ignore[attr-defined] # set by the middleware
    return membership
