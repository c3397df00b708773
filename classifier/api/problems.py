"""Every error of the API as `application/problem+json` (RFC 9457), with a list of what was wrong in which field."""

import logging
from http import HTTPStatus
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
from classifier.presentation.wording import BUSY_SENTENCE, STORAGE_SENTENCE, rejection_text
from classifier.services.intake import DecoderBusyError, DuplicateImageError
from classifier.storage import StorageUnavailableError
from ml.serve.image_io import LIMITS, ImageRejected
from skinsite import disk
from skinsite.errors import DATABASE_SENTENCE, PROBLEM_TYPE, RETRY_AFTER, is_database_away, problem_body

log = logging.getLogger(__name__)

NO_FIELD = "non_field_errors"

REJECTION_STATUS = {
    "unsupported_type": status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    "camera_raw": status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    "not_an_image": status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    "too_large": status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
}
"""Statuses of rejected images; every other one is 422."""

TITLES = {
    400: gettext_lazy("Bad request"),
    401: gettext_lazy("Not signed in"),
    403: gettext_lazy("Not allowed"),
    404: gettext_lazy("Not found"),
    405: gettext_lazy("Method not allowed"),
    406: gettext_lazy("No such format"),
    409: gettext_lazy("Conflict"),
    411: gettext_lazy("Length required"),
    413: gettext_lazy("Too large"),
    415: gettext_lazy("Unsupported type"),
    422: gettext_lazy("Image rejected"),
    429: gettext_lazy("Too many requests"),
    500: gettext_lazy("Server error"),
    503: gettext_lazy("Not available now"),
}


class RejectedImage(exceptions.APIException):
    """An image that cannot be read, as a problem of the field `image`."""

    def __init__(self, rejection: ImageRejected) -> None:
        self.status_code = REJECTION_STATUS.get(rejection.code, status.HTTP_422_UNPROCESSABLE_ENTITY)
        self.detail = {"image": exceptions.ErrorDetail(rejection_text(rejection), code=rejection.code)}


class RequestTooLarge(exceptions.APIException):
    """A request whose declared length is over what an upload may have: refused before a byte of it is read."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE

    def __init__(self, length: int) -> None:
        log.warning("An upload of %d bytes was refused by its length", length)
        rejection = ImageRejected("too_large", megabytes=f"{length / 1e6:.1f}", limit=LIMITS.max_bytes // 1_000_000)
        self.detail = {"image": exceptions.ErrorDetail(rejection_text(rejection), code="too_large")}


class DuplicateImage(exceptions.APIException):
    """The same bytes lie under another lesion of the clinic, which the problem names."""

    status_code = status.HTTP_409_CONFLICT

    def __init__(self, existing: LesionImage, request: Any) -> None:
        lesion = existing.lesion.public_id
        text = _(
            "This photograph is already kept under lesion %(lesion)s. Read it there, "
            "or send attach_anyway=true to keep it here too."
        )
        self.detail = {"image": exceptions.ErrorDetail(text % {"lesion": lesion}, code="duplicate_image")}
        self.extensions = {
            "lesion": str(lesion),
            "links": {
                "lesion": reverse("api-lesion-detail", args=[lesion], request=request),
                "image": reverse("api-image-detail", args=[existing.public_id], request=request),
            },
        }


class WrongState(exceptions.APIException):
    """Something that the record's state does not allow now."""

    status_code = status.HTTP_409_CONFLICT

    def __init__(self, error: django_exceptions.ValidationError) -> None:
        self.detail = exceptions.ErrorDetail(" ".join(error.messages), code=error.code or "conflict")


class StorageUnavailable(exceptions.APIException):
    """The storage of photographs is down: nothing was kept, and later it may be."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = STORAGE_SENTENCE
    default_code = "storage_unavailable"
    wait = 60  # seconds, told in Retry-After


class DecoderBusy(StorageUnavailable):
    """Other large photographs are decoded: nothing was kept, and later it may be."""

    default_detail = BUSY_SENTENCE
    default_code = "busy"


class DiskFull(StorageUnavailable):
    """A disk is full, that of the photographs or that of the database: nothing was kept."""

    default_detail = disk.SENTENCE
    default_code = "disk_full"


class DatabaseUnavailable(exceptions.APIException):
    """The database is away: nothing was done, and later it may be."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = DATABASE_SENTENCE
    default_code = "database_unavailable"
    wait = RETRY_AFTER


class ProblemHandler(ExceptionHandler):
    """Turns the errors of the domain into those of the API, and answers each as a problem."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:  # noqa: PLR0911 one for each kind of error
        """Give each error of the domain its status."""
        if disk.is_full(exc):
            return DiskFull()
        if is_database_away(exc):
            return DatabaseUnavailable()
        match exc:
            case ImageRejected():
                return RejectedImage(exc)
            case StorageUnavailableError():
                return StorageUnavailable()
            case DecoderBusyError():
                return DecoderBusy()
            case DuplicateImageError():
                return DuplicateImage(exc.existing, self.context["request"])
            case django_exceptions.ValidationError():
                return exceptions.ValidationError(as_serializer_error(exc))
            case django_exceptions.RequestDataTooBig():
                return RequestTooLarge(LIMITS.max_bytes)
            case django_exceptions.SuspiciousOperation():
                return exceptions.ParseError()
        known: Exception = super().convert_known_exceptions(exc)
        return known

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


class ProblemFormatter(ExceptionFormatter):
    """Lays an error out as RFC 9457 says, with `errors` as the one extension that every problem has."""

    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        """The body of a problem."""
        code = self.exc.status_code
        errors = [
            {"field": None if each.attr == NO_FIELD else each.attr, "code": each.code, "detail": each.detail}
            for each in error_response.errors
        ]
        title = str(TITLES.get(code) or HTTPStatus(code).phrase)
        detail = " ".join(dict.fromkeys(str(error["detail"]) for error in errors))
        body = problem_body(status=code, title=title, detail=detail, errors=errors)
        return body | getattr(self.exc, "extensions", {})
