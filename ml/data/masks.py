"""The lesion masks of HAM10000, where they lie beside the images (Tschandl et al., Nat Med 26, 2020)."""

from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ml.errors import UserError

DIRECTORY = "HAM10000_segmentations"


def has_masks(data_dir: Path) -> bool:
    """Whether a data directory has masks at all."""
    return (data_dir / DIRECTORY).is_dir()


def find_mask(data_dir: Path, image_id: str) -> Path:
    """The file of an image's mask; raises ``UserError`` where there is none."""
    path = data_dir / DIRECTORY / f"{image_id}_segmentation.png"
    if not path.is_file():
        raise UserError(f"{path}: no lesion mask; add HAM10000's segmentations to the data directory")
    return path


def open_mask(path: Path) -> Image.Image:
    """A mask, 255 in the lesion and 0 outside; raises ``UserError`` for a file that is no picture."""
    try:
        with Image.open(path) as image:
            return image.convert("L")
    except (OSError, UnidentifiedImageError) as error:
        raise UserError(f"{path}: cannot be read as a mask; fetch it again") from error
