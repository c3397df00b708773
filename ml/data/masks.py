"""Lesion masks of HAM10000, stored beside the images (Tschandl et al., Nat Med 26, 2020)."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from ml.data.isic import find_images
from ml.errors import UserError

DIRECTORY = "HAM10000_segmentations"
ENDING = "_segmentation"
ADD_THEM = "add HAM10000's segmentations to the data directory"


def has_masks(data_dir: Path) -> bool:
    """Whether a data directory contains masks."""
    return (data_dir / DIRECTORY).is_dir()


def find_mask(data_dir: Path, image_id: str, *, remedy: str = ADD_THEM) -> Path:
    """The file of an image's mask; raises ``UserError`` if it is missing."""
    path = _name_mask(data_dir, image_id)
    if not path.is_file():
        raise UserError(f"{path}: no lesion mask; {remedy}")
    return path


def find_masks(data_dir: Path, image_ids: Iterable[str], *, remedy: str) -> dict[str, Path]:
    """The mask of every image by id; empty if the data directory contains no masks."""
    if not has_masks(data_dir):
        return {}
    masks = {image_id: _name_mask(data_dir, image_id) for image_id in image_ids}
    missing = [path for path in masks.values() if not path.is_file()]
    if missing:
        raise UserError(f"{missing[0]}: is missing, with {len(missing) - 1} more; {remedy}")
    return masks


def list_masks(data_dir: Path) -> dict[str, Path]:
    """All existing masks by image id; empty if the data directory contains no masks."""
    if not has_masks(data_dir):
        return {}
    return {name.removesuffix(ENDING): path for name, path in find_images(data_dir / DIRECTORY, (".png",)).items()}


def _name_mask(data_dir: Path, image_id: str) -> Path:
    return data_dir / DIRECTORY / f"{image_id}{ENDING}.png"


def open_mask(path: Path) -> Image.Image:
    """A mask, 255 in the lesion and 0 outside; raises ``UserError`` for a file that is no image."""
    try:
        with Image.open(path) as image:
            return image.convert("L")
    except (OSError, UnidentifiedImageError) as error:
        raise UserError(f"{path}: cannot be read as a mask; fetch it again") from error


def shrink_mask(path: Path, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """A manual mask, resized to (W, H) of the predicted one."""
    return np.asarray(open_mask(path).resize(size, Image.Resampling.BOX)) > 127


def find_otsu_threshold(counts: npt.NDArray[np.integer]) -> int:
    """Otsu's threshold from a histogram (256,): the highest level of the darker part."""
    below = np.cumsum(counts, dtype=np.float64)
    sums = np.cumsum(counts * np.arange(len(counts)), dtype=np.float64)
    above = below[-1] - below
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return int(np.nanargmax(between)) if np.isfinite(between).any() else 0
