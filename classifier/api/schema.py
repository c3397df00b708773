"""What the description of the API says of every operation: which problems it may answer with."""

from typing import TYPE_CHECKING, Any, cast

from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction

import classifier.api.problems  # noqa: F401 names the statuses that only the domain gives
from classifier.api.fields import KnownFields
from classifier.api.problem_serializers import DuplicateProblemSerializer, ProblemSerializer
from classifier.models import Prediction
from skinsite.accounts.permissions import scopes_with
from skinsite.platform.problems import PROBLEM_TYPE, TITLES

if TYPE_CHECKING:
    from classifier.api.views.base import ClinicViewSet

ALWAYS = (401, 403, 405, 406, 429, 500, 503)
LIST = (400,)
DETAIL = (404,)
CONFLICT = 409
RETRY = (404, CONFLICT)
CREATE, CHANGE = (400, 415), (400, 404, 415)
UPLOAD = (400, 409, 411, 413, 415, 422)


class ProblemAutoSchema(AutoSchema):
    """Adds to each operation the scopes of a token that allow it, and the problems that it may answer with."""

    def get_description(self) -> str:  # type: ignore[override] # as the library has it
        """What the operation does, and which scopes it takes."""
        told = str(super().get_description() or "")
        view = cast("ClinicViewSet", self.view)
        scopes = scopes_with(view.needs[view.action])
        words = _(" or ").join(f"`{scope}`" for scope in scopes)
        return "\n\n".join(filter(None, [told, _("Scope of the token: %(scopes)s.") % {"scopes": words}]))

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies = dict(super()._get_response_bodies(direction))
        own = self._own_problems()
        for status in sorted({*ALWAYS, *own}):
            is_duplicate = status == CONFLICT and own == UPLOAD
            serializer = DuplicateProblemSerializer if is_duplicate else ProblemSerializer
            body = self._get_response_for_code(serializer, str(status), [PROBLEM_TYPE], direction)  # type: ignore[no-untyped-call] # the library's
            bodies[str(status)] = {**body, "description": str(TITLES[status])}
        return bodies

    def _own_problems(self) -> tuple[int, ...]:
        """Statuses that this operation may have beside those of all."""
        action = getattr(self.view, "action", "")
        if action == "partial_update":
            return CHANGE
        if action == "create":
            return UPLOAD if cast("ClinicViewSet", self.view).model is Prediction else CREATE
        if self.method == "POST":
            return RETRY
        return LIST if self._is_list_view() else DETAIL

    def _map_basic_serializer(self, serializer: Any, direction: Direction) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call] # the library's
        if isinstance(serializer, KnownFields):
            schema["additionalProperties"] = False
        return schema


class ClinicTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # the library registers subclasses untyped
    """How the description names the token."""

    target_class = "skinsite.accounts.authentication.ClinicTokenAuthentication"
    name = "token"
    priority = 1

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:  # noqa: ARG002 the library's signature
        """An `Authorization` header with the word Token."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": _(
                "`Token` and a key, with a space between them. People make keys on their account page, administrators "
                "for a program of the clinic's own on the clinic's page; `manage.py create_api_token` makes one too. "
                "What a key may do is its scope: `read`, `upload` (send photographs, and get the answers to what was "
                "sent) or `write` (both, and ask again for what failed). Where that does not suffice the answer is 403 "
                "with the code `missing_scope`, which names the scopes that would."
            ),
        }
