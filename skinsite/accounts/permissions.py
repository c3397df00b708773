"""Who may use the API at all."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView


class IsMember(BasePermission):
    """Signed in, by token or session, and acting for a clinic."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 the framework's signature
        """Whether the request acts for a clinic."""
        return bool(request.user.is_authenticated) and getattr(request, "membership", None) is not None
