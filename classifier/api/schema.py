"""What the description of the API says of every operation: which problems it may answer with."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction

import classifier.api.problems  # noqa: F401 names the statuses that only the domain gives
from classifier.api.problem_serializers import DuplicateProblemSerializer, ProblemSerializer
from classifier.api.uploads import UploadSerializer
from skinsite.platform.problems import PROBLEM_TYPE, TITLES

ALWAYS = (401, 403, 405, 406, 429, 500, 503)
LIST = (400,)
DETAIL = (404,)
CONFLICT = 409
RETRY = (404, CONFLICT)
UPLOAD = (400, 409, 411, 413, 415, 422)


class ProblemAutoSchema(AutoSchema):
    """Adds to each operation the problems that it may answer with."""

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
        if self.method == "POST":
            return UPLOAD if getattr(self.view, "action", "") == "create" else RETRY
        return LIST if self._is_list_view() else DETAIL

    def _map_basic_serializer(self, serializer: Any, direction: Direction) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call] # the library's
        if isinstance(serializer, UploadSerializer):
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
            "description": _("`Token` and a key made by `manage.py create_api_token`, with a space between them."),
        }
