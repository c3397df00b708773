"""Is a photograph fit to be read? Measured at one fixed scale, so that a large picture is not sharper by its size."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

WIDTH, HEIGHT = 320, 240


@dataclass(frozen=True, slots=True)
class QualityRule:
    """A flag, raised where ``measure`` is below or above a limit; ``share`` of the photographs measured had it."""

    name: str
    measure: str
    below: float | None
    above: float | None
    share: float


@dataclass(frozen=True, slots=True)
class QualityRules:
    """Flags, and the spread of luminance below which a frame is blank; ``how`` says where the limits come from."""

    flags: tuple[QualityRule, ...]
    blank_below: float
    how: str


@dataclass(frozen=True, slots=True)
class Quality:
    """``flags`` warn; ``not_assessable`` is the reason why a picture cannot be read at all, or None."""

    flags: tuple[str, ...]
    not_assessable: str | None


def measure(image: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Measure the central 4:3 part of a picture (H, W, 3).

    sharpness: standard deviation of the Laplacian divided by that of luminance, so that a pale lesion is not called
    blurred (after Pech-Pacheco et al., ICPR 2000); bright: 95th percentile of luminance; contrast: 95th less 5th
    percentile; spread: 99.5th less 0.5th percentile; short_side: pixels of the picture itself.
    """
    picture = Image.fromarray(image)
    width, height = picture.size
    kept_width, kept_height = min(width, height * 4 / 3), min(height, width * 4 / 3)
    left, top = (width - kept_width) / 2, (height - kept_height) / 2
    size = (WIDTH, HEIGHT) if width >= height else (HEIGHT, WIDTH)
    box = (left, top, left + kept_width, top + kept_height)
    grey = np.asarray(picture.resize(size, Image.Resampling.BOX, box=box).convert("L"))
    luminance = grey.astype(np.float32)
    centre = luminance[1:-1, 1:-1]
    neighbours = luminance[:-2, 1:-1] + luminance[2:, 1:-1] + luminance[1:-1, :-2] + luminance[1:-1, 2:]
    counts = np.cumsum(np.bincount(grey.ravel(), minlength=256)) / luminance.size
    quantile = {share: int(np.searchsorted(counts, share)) for share in (0.005, 0.05, 0.95, 0.995)}
    return {
        "sharpness": float((neighbours - 4 * centre).std() / max(float(luminance.std()), 1.0)),
        "bright": float(quantile[0.95]),
        "contrast": float(quantile[0.95] - quantile[0.05]),
        "spread": float(quantile[0.995] - quantile[0.005]),
        "short_side": float(min(width, height)),
    }


def assess(measures: Mapping[str, float], rules: QualityRules) -> Quality:
    """Flag a picture by its measures, and refuse a ``blank_frame``; a measure that was not taken raises nothing.

    ``measures`` are those of ``measure`` here and of ``ml.gate``.
    """
    flags = tuple(rule.name for rule in rules.flags if _is_raised(rule, measures.get(rule.measure)))
    return Quality(flags, "blank_frame" if measures["spread"] < rules.blank_below else None)


def _is_raised(rule: QualityRule, value: float | None) -> bool:
    if value is None:
        return False
    return (rule.below is not None and value < rule.below) or (rule.above is not None and value > rule.above)
