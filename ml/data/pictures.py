"""Image files of a data set as pixels, with errors that name the file."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml.errors import UserError
from ml.serve.image_io import LIMITS, ImageRejected, Limits, decode_stored, normalise_upload
from ml.support.disk import read_file


def read_pixels(path: Path, *, at_least: int | None = None) -> npt.NDArray[np.uint8]:
    """Decode an image file (H, W, 3) as ``decode_stored`` does. Raises ``UserError`` naming the file."""
    data = read_file(path)
    try:
        return decode_stored(data, at_least=at_least)
    except ImageRejected as error:
        raise UserError(f"{path}: {error}") from error


def read_upload(path: Path, *, limits: Limits = LIMITS) -> bytes:
    """An image file as the site would store it. Raises ``UserError`` naming the file."""
    data = read_file(path)
    try:
        return normalise_upload(data, limits=limits).data
    except ImageRejected as error:
        raise UserError(f"{path}: {error}") from error


def read_uploaded_pixels(path: Path, *, at_least: int | None = None) -> npt.NDArray[np.uint8]:
    """Pixels (H, W, 3) of a file as a reading would see them. Raises ``UserError`` naming the file."""
    data = read_upload(path)
    try:
        return decode_stored(data, at_least=at_least)
    except ImageRejected as error:
        raise UserError(f"{path}: {error}") from error
