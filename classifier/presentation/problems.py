"""What is answered to errors of reading an upload, which come from `ml` and know no HTTP."""

from http import HTTPStatus

from classifier.presentation.wording import BUSY_SENTENCE, rejection_text
from ml.serve.decode_process import DecoderBusyError
from ml.serve.image_io import ImageRejected
from skinsite.platform import problems
from skinsite.platform.problems import Problem

REJECTION_STATUS = {
    "unsupported_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "camera_raw": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "not_an_image": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
"""Statuses of rejected images; every other one is 422."""

BUSY = Problem(HTTPStatus.SERVICE_UNAVAILABLE, BUSY_SENTENCE, "busy", retry_after=60)


def problem_of(error: BaseException | None) -> Problem | None:
    """What to answer to an error that is known; None for all others."""
    match error:
        case ImageRejected():
            status = REJECTION_STATUS.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY)
            return Problem(status, rejection_text(error), error.code, field="image")
        case DecoderBusyError():
            return BUSY
    return problems.problem_of(error)
