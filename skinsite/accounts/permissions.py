"""Who may use the API at all."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class IsMember(BasePermission):
    """Signed in, by token or session, and acting for a clinic."""

    message = _("You belong to no active clinic. Ask the clinic's administrator for an invitation.")

    # `Any`: to import the class of views here would be a circle, since it imports its default permissions.
    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ARG002 the framework's signature
        """Whether the request acts for a clinic."""
        return bool(request.user.is_authenticated) and getattr(request, "membership", None) is not None
