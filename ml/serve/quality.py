"""Quality of a photograph, measured at one fixed scale, so that sharpness does not depend on the number of pixels."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.bundle.manifest import QualityRule, QualityRules
from ml.serve import appearance

FloatArray = npt.NDArray[np.float64]

WIDTH, HEIGHT = 320, 240
BLANK_FRAME, WITHOUT_COLOUR, ALTERED = "blank_frame", "without_colour", "altered"
"""Reasons of a refusal by image quality."""

PICTURE_MEASURES = ("sharpness", "bright", "contrast", "spread", "short_side")
"""Measures that are valid for any image; all others are about the lesion, and meaningless if the image is refused."""

MOST_DEVIATIONS, SQUARES_OVER = 6.0, 4.0


def measure_quality(image: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Quality measures of the central 4:3 part of an image (H, W, 3), by name.

    sharpness: standard deviation of the Laplacian divided by that of luminance, so that a pale lesion does not count
    as blurred (after Pech-Pacheco et al., ICPR 2000); bright: 95th percentile of luminance; contrast: 95th minus 5th
    percentile; spread: 99.5th minus 0.5th percentile; short_side: in pixels of the original; and the features of
    ``ml.serve.appearance``.
    """
    picture = Image.fromarray(image)
    width, height = picture.size
    kept_width, kept_height = min(width, height * 4 / 3), min(height, width * 4 / 3)
    left, top = (width - kept_width) / 2, (height - kept_height) / 2
    size = (WIDTH, HEIGHT) if width >= height else (HEIGHT, WIDTH)
    box = (left, top, left + kept_width, top + kept_height)
    small = picture.resize(size, Image.Resampling.BOX, box=box)
    grey = np.asarray(small.convert("L"))
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
        **appearance.measure_appearance(np.asarray(small)),
    }


def find_flags(measures: Mapping[str, float], rules: QualityRules) -> tuple[str, ...]:
    """Flags raised by measures of quality, detector and lesion mask; a missing measure raises none.

    A blank frame has no flags, since that code says everything.
    """
    if measures["spread"] < rules.blank_below:
        return ()
    return tuple(rule.name for rule in rules.flags if _is_raised(rule, measures.get(rule.measure)))


def find_plain_refusal(measures: Mapping[str, float], rules: QualityRules) -> str | None:
    """``BLANK_FRAME`` or ``WITHOUT_COLOUR`` if the measures say so, else None."""
    if measures["spread"] < rules.blank_below:
        return BLANK_FRAME
    return WITHOUT_COLOUR if measures.get(appearance.COLOUR, np.inf) < rules.colour_from else None


def find_alteration(measures: Mapping[str, float], rules: QualityRules) -> str | None:
    """``ALTERED`` if the rule's score is above its limit; else, or if a measure is missing, None."""
    rule = rules.altered
    if rule is None or not all(name in measures for name in rule.measures):
        return None
    values = np.array([measures[name] for name in rule.measures])
    score = expand(values, np.array(rule.centre), np.array(rule.deviation)) @ np.array(rule.weights)
    return ALTERED if score > rule.above else None


def expand(values: FloatArray, centre: FloatArray, deviation: FloatArray) -> FloatArray:
    """Features of ``AlteredRule`` (..., 2P): measures (..., P) standardised, and their squares."""
    standardised = np.clip((values - centre) / deviation, -MOST_DEVIATIONS, MOST_DEVIATIONS)
    return np.concatenate((standardised, standardised**2 / SQUARES_OVER), axis=-1)


def _is_raised(rule: QualityRule, value: float | None) -> bool:
    if value is None:
        return False
    return (rule.below is not None and value < rule.below) or (rule.above is not None and value > rule.above)
