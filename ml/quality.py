"""Is a photograph fit to be read? Measured at one fixed scale, so that a large picture is not sharper by its size."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

WIDTH, HEIGHT = 320, 240


@dataclass(frozen=True, slots=True)
class QualityThresholds:
    """Limits of the measures (sharpness, bright, bright, contrast, spread); ``how`` says where they come from."""

    blurred_below: float
    dark_below: float
    overexposed_above: float
    low_contrast_below: float
    blank_below: float
    how: str


@dataclass(frozen=True, slots=True)
class Quality:
    """``flags`` warn; ``not_assessable`` is the reason why a picture cannot be read at all, or None."""

    flags: tuple[str, ...]
    not_assessable: str | None
    measures: dict[str, float]


def measure(image: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Measure the central 4:3 part of a picture (H, W, 3).

    sharpness: standard deviation of the Laplacian divided by that of luminance, so that a pale lesion is not called
    blurred (after Pech-Pacheco et al., ICPR 2000); bright: 95th percentile of luminance; contrast: 95th less 5th
    percentile; spread: 99.5th less 0.5th percentile.
    """
    picture = Image.fromarray(image)
    width, height = picture.size
    kept_width, kept_height = min(width, height * 4 / 3), min(height, width * 4 / 3)
    left, top = (width - kept_width) / 2, (height - kept_height) / 2
    size = (WIDTH, HEIGHT) if width >= height else (HEIGHT, WIDTH)
    box = (left, top, left + kept_width, top + kept_height)
    small = picture.resize(size, Image.Resampling.BOX, box=box).convert("L")
    luminance = np.asarray(small).astype(np.float32)
    centre = luminance[1:-1, 1:-1]
    neighbours = luminance[:-2, 1:-1] + luminance[2:, 1:-1] + luminance[1:-1, :-2] + luminance[1:-1, 2:]
    counts = np.cumsum(np.bincount(np.asarray(small).ravel(), minlength=256)) / luminance.size
    quantile = {share: int(np.searchsorted(counts, share)) for share in (0.005, 0.05, 0.95, 0.995)}
    return {
        "sharpness": float((neighbours - 4 * centre).std() / max(float(luminance.std()), 1.0)),
        "bright": float(quantile[0.95]),
        "contrast": float(quantile[0.95] - quantile[0.05]),
        "spread": float(quantile[0.995] - quantile[0.005]),
    }


def assess(image: npt.NDArray[np.uint8], thresholds: QualityThresholds) -> Quality:
    """Flag a picture (H, W, 3): ``blurred``, ``dark``, ``overexposed``, ``low_contrast``; refuse a ``blank_frame``."""
    measures = measure(image)
    raised = {
        "blurred": measures["sharpness"] < thresholds.blurred_below,
        "dark": measures["bright"] < thresholds.dark_below,
        "overexposed": measures["bright"] > thresholds.overexposed_above,
        "low_contrast": measures["contrast"] < thresholds.low_contrast_below,
    }
    blank = measures["spread"] < thresholds.blank_below
    flags = tuple(name for name, is_raised in raised.items() if is_raised)
    return Quality(flags, "blank_frame" if blank else None, measures)
