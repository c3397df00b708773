"""Lesion masks against manual ones: overlap, and agreement of area and asymmetry."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from ml.data.masks import find_otsu_threshold
from ml.evaluation.observe import open_picture
from ml.metrics.bootstrap import estimate_mean
from ml.metrics.ranks import correlate_ranks
from ml.serve.lesion_mask import Mask, measure_lesion

FloatArray = npt.NDArray[np.float64]

ENOUGH_OVERLAP = 0.65
"""ISIC 2018 Task 1: a lower intersection over union counts as 0."""

BLUR = 2.0


def measure_masks(
    found: Sequence[Mask], drawn: Sequence[Mask], pictures: Sequence[Path], groups: Sequence[str]
) -> dict[str, Any]:
    """Dice and intersection over union with manual masks, and the same for Otsu's threshold on the same images.

    Each with its 95 % interval over lesions; plain JSON values. ``rank_correlation`` is Spearman's, of area, share at
    the edge and asymmetry.
    """
    otsu = [threshold_by_otsu(path, mask.shape) for path, mask in zip(pictures, drawn, strict=True)]
    ours, theirs = (np.array([overlap(*pair) for pair in zip(each, drawn, strict=True)]) for each in (found, otsu))
    rows = {
        "dice": dice_of(ours),
        "jaccard": ours,
        "jaccard_over_0.65": np.where(ours < ENOUGH_OVERLAP, 0, ours),
        "otsu_dice": dice_of(theirs),
        "otsu_jaccard": theirs,
        "dice_less_otsu": dice_of(ours) - dice_of(theirs),
    }
    by_us, as_drawn = ([measure_lesion(mask) for mask in masks] for masks in (found, drawn))
    return {
        "images": len(found),
        **{name: estimate_mean(values, groups).to_json() for name, values in rows.items()},
        "rank_correlation": {
            name: correlate_ranks(
                one=np.array([each[name] for each in by_us]),
                other=np.array([each[name] for each in as_drawn]),
            )
            for name in ("lesion_area", "lesion_asymmetry")
        },
    }


def overlap(one: Mask, other: Mask) -> float:
    """Intersection over union; 1 if both masks are empty."""
    union = (one | other).sum()
    return float((one & other).sum() / union) if union else 1.0


def dice_of(jaccard: FloatArray) -> FloatArray:
    """Dice coefficients from intersections over union."""
    return np.asarray(2 * jaccard / (1 + jaccard))


def threshold_by_otsu(path: Path, shape: tuple[int, ...]) -> Mask:
    """The baseline: the smoothed, reduced image, thresholded by Otsu's method (IEEE Trans SMC 9, 1979)."""
    grey = open_picture(path).convert("L").resize((shape[1], shape[0]), Image.Resampling.BOX)
    values = np.asarray(grey.filter(ImageFilter.GaussianBlur(BLUR)))
    return np.asarray(values <= find_otsu_threshold(np.bincount(values.ravel(), minlength=256)))
