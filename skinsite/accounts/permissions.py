"""Who may use the API at all, and what with a token of which scope."""

from collections.abc import Collection
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from skinsite.accounts.actors import Actor
from skinsite.accounts.models import SCOPE_CAPABILITIES, ApiToken, Capability, Scope
from skinsite.accounts.policies import may

MISSING_SCOPE = "missing_scope"


class IsMember(BasePermission):
    """Signed in, by token or session, and acting for a clinic."""

    message = gettext_lazy("You belong to no active clinic. Ask the clinic's administrator for an invitation.")

    # `Any`: to import the class of views here would be a circle, since it imports its default permissions.
    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ARG002 the framework's signature
        """Whether the request acts for a clinic."""
        return bool(request.user.is_authenticated) and _actor_of(request) is not None


class HasScope(BasePermission):
    """Acting by a session, or by a token whose scope allows what the address does.

    A view says by ``needs`` one of which capabilities each of its actions takes; an action that it does not name is
    refused to everybody.
    """

    message: Promise | str = gettext_lazy("Nobody may do this.")
    code: str | None = None

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the actor has one of the capabilities that the action takes."""
        action = view.action_map.get(str(request.method).lower())
        if action is None:  # no such method: answered as that
            return True
        needed: Collection[Capability] = view.needs.get(action, ())
        actor = _actor_of(request)
        if actor is not None and any(may(actor, each) for each in needed):
            return True
        if isinstance(actor, ApiToken) and needed:
            self.message, self.code = missing_scope(actor, needed), MISSING_SCOPE
        return False


def scopes_with(needed: Collection[Capability]) -> list[Scope]:
    """The scopes that hold one of these capabilities."""
    return [scope for scope in Scope if SCOPE_CAPABILITIES[scope] & set(needed)]


def missing_scope(token: ApiToken, needed: Collection[Capability]) -> str:
    """What is said to a program whose token does not go so far: its scope, and those that would."""
    words = _(" or ").join(f"`{scope}`" for scope in scopes_with(needed))
    return _("This needs a token of the scope %(needed)s; the scope of this one is `%(scope)s`.") % {
        "needed": words,
        "scope": token.scope,
    }


def _actor_of(request: Request) -> Actor | None:
    if isinstance(request.auth, ApiToken):
        return request.auth
    membership: Actor | None = getattr(request, "membership", None)
    return membership
