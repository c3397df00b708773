"""Inspection of image files by full decoding."""

import hashlib
import io
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from ml.data.duplicates.perceptual_hash import hash_picture
from ml.errors import UserError
from ml.serve.image_io import LIMITS, decode_stored

COLOUR = "RGB"


@dataclass(frozen=True, slots=True)
class Inspection:
    """A valid image: size in pixels, SHA-256 of file and pixels, and perceptual hash."""

    width: int
    height: int
    file_sha256: str
    pixel_sha256: str
    perceptual_hash: np.uint64


def inspect_image(path: Path) -> Inspection:
    """Decode one file completely. Raises ``UserError`` if it is damaged, too small or not in colour."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror}); copy it again") from error
    pixels = decode_stored(data)
    height, width = pixels.shape[:2]
    with Image.open(io.BytesIO(data)) as header:
        mode = header.mode
    if mode != COLOUR:
        raise UserError(f"has the channels {mode}, not {COLOUR}; save it in colour")
    if min(width, height) < LIMITS.min_side:
        raise UserError(f"has {width}×{height} pixels, the least is {LIMITS.min_side} a side; give the original")
    if pixels.min() == pixels.max():
        raise UserError("is of one colour; copy it again")
    return Inspection(
        width=width,
        height=height,
        file_sha256=hashlib.sha256(data).hexdigest(),
        pixel_sha256=hashlib.sha256(f"{width}x{height} ".encode() + pixels.tobytes()).hexdigest(),
        perceptual_hash=hash_picture(Image.fromarray(pixels)),
    )


def inspect_images(
    paths: Mapping[str, Path], *, threads: int, progress: bool = True
) -> tuple[dict[str, Inspection], dict[str, str]]:
    """Inspections of valid images, and faults of the others, both by image id."""
    inspections: dict[str, Inspection] = {}
    faults: dict[str, str] = {}
    with ThreadPoolExecutor(threads) as pool:
        results: Iterable[Inspection | UserError] = pool.map(_inspect, paths.values())
        bar = tqdm(results, total=len(paths), desc="Checking images", unit="image", disable=not progress)
        for image_id, result in zip(paths, bar, strict=True):
            if isinstance(result, Inspection):
                inspections[image_id] = result
            else:
                faults[image_id] = str(result)
    return inspections, faults


def _inspect(path: Path) -> Inspection | UserError:
    try:
        return inspect_image(path)
    except UserError as error:
        return error
