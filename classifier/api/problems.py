"""Every error of the API as `application/problem+json` (RFC 9457), with a list of what was wrong in which field."""

from typing import Any

from django.core import exceptions as django_exceptions
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from drf_standardized_errors.types import ErrorResponse
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.serializers import as_serializer_error

from classifier.models import LesionImage
from classifier.presentation.problems import problem_of
from classifier.services.intake import DuplicateImageError
from skinsite.platform.errors import too_large_problem
from skinsite.platform.problems import PROBLEM_TYPE, TITLES, Problem, problem_body

NO_FIELD = "non_field_errors"
TITLES[status.HTTP_422_UNPROCESSABLE_ENTITY] = gettext_lazy("Image rejected")


class ProblemException(exceptions.APIException):
    """A problem of the domain as the framework carries it to the handler; ``extensions`` are further members of it."""

    def __init__(self, problem: Problem, extensions: dict[str, Any] | None = None) -> None:
        self.status_code = problem.status
        detail = exceptions.ErrorDetail(str(problem.detail), code=problem.code)
        self.detail = detail if problem.field is None else {problem.field: detail}
        self.wait = problem.retry_after  # told in Retry-After
        self.extensions = extensions or {}


class ProblemHandler(ExceptionHandler):
    """Turns the errors of the domain into those of the API, and answers each as a problem."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        """Give each error of the domain its status."""
        known = problem_of(exc)
        if known is not None:
            lies = self._where_it_lies(exc.existing) if isinstance(exc, DuplicateImageError) else None
            return ProblemException(known, lies)
        match exc:
            case django_exceptions.ValidationError():
                return exceptions.ValidationError(as_serializer_error(exc))
            case django_exceptions.RequestDataTooBig():
                return ProblemException(
                    too_large_problem(request.path_info if (request := self.context["request"]) else "")
                )
            case django_exceptions.SuspiciousOperation():
                return exceptions.ParseError()
        converted: Exception = super().convert_known_exceptions(exc)
        return converted

    def convert_unhandled_exceptions(self, exc: Exception) -> exceptions.APIException:
        """Answer a fault of the server without a word about its insides; the log has the rest."""
        if isinstance(exc, exceptions.APIException):
            return exc
        return exceptions.APIException(
            _("The server failed. Try again later; if it happens again, tell the site's administrator.")
        )

    def get_response(self, exc: exceptions.APIException, data: dict[str, Any]) -> Response:
        """Answer with the media type of problems."""
        return Response(data, status=exc.status_code, headers=self.get_headers(exc), content_type=PROBLEM_TYPE)

    def _where_it_lies(self, existing: LesionImage) -> dict[str, Any]:
        """The lesion that has the same photograph, and the addresses of both."""
        lesion, request = existing.lesion.public_id, self.context["request"]
        return {
            "lesion": str(lesion),
            "links": {
                "lesion": reverse("api-lesion-detail", args=[lesion], request=request),
                "image": reverse("api-image-detail", args=[existing.public_id], request=request),
            },
        }


class ProblemFormatter(ExceptionFormatter):
    """Lays an error out as every problem, with the further members that it brings."""

    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        """The body of a problem."""
        errors = [
            {"field": None if each.attr == NO_FIELD else each.attr, "code": each.code, "detail": each.detail}
            for each in error_response.errors
        ]
        return problem_body(status=self.exc.status_code, errors=errors) | getattr(self.exc, "extensions", {})
