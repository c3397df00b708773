"""Image files of a data set as pixels; one that cannot be read or decoded is a line that names it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml.errors import UserError
from ml.serve.image_io import LIMITS, ImageRejected, Limits, decode_stored, normalise_upload
from ml.support.disk import read_file


def read_pixels(path: Path, *, at_least: int | None = None) -> npt.NDArray[np.uint8]:
    """An image file (H, W, 3) as ``decode_stored`` gives it. Raises ``UserError`` naming the file."""
    data = read_file(path)
    try:
        return decode_stored(data, at_least=at_least)
    except ImageRejected as error:
        raise UserError(f"{path}: {error}") from error


def read_upload(path: Path, *, limits: Limits = LIMITS) -> bytes:
    """An image file as the service would store it. Raises ``UserError`` naming the file."""
    data = read_file(path)
    try:
        return normalise_upload(data, limits=limits).data
    except ImageRejected as error:
        raise UserError(f"{path}: {error}") from error


def read_uploaded_pixels(path: Path, *, at_least: int | None = None) -> npt.NDArray[np.uint8]:
    """The pixels (H, W, 3) that a reading of the file would rest on. Raises ``UserError`` naming the file."""
    data = read_upload(path)
    try:
        return decode_stored(data, at_least=at_least)
    except ImageRejected as error:
        raise UserError(f"{path}: {error}") from error
