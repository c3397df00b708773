"""Handcrafted features of a lesion: colour, texture, gradients and shape, the standard before deep networks.

Colour moments: Stricker & Orengo, "Similarity of Color Images" (1995); uniform local binary patterns: Ojala et al.,
PAMI 24:971 (2002); oriented gradients: Dalal & Triggs, CVPR 2005; invariant moments: Hu, IRE Trans. 8:179 (1962);
segmentation without a mask: Otsu, IEEE Trans. SMC 9:62 (1979).
"""

import cv2
import numpy as np
import numpy.typing as npt
from skimage.feature import hog, local_binary_pattern
from skimage.measure import regionprops

from ml.data.masks import find_otsu_threshold

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

HANDCRAFTED_VERSION = 1
SHORT_SIDE = 192
"""Shorter side (px) at which images are measured, so that texture has one scale."""
HISTOGRAM_BINS = 8
PATTERNS = ((8, 1), (16, 2))
"""Neighbours and radius (px) of the local binary patterns."""
GRADIENT_SIDE, GRADIENT_CELL, GRADIENT_DIRECTIONS = 96, 24, 9
BOX_MARGIN = 0.1
LEAST_LESION = 0.001
"""Share of the image below which a region counts as noise."""
HU_SCALE = 1e6

FEATURE_COUNTS = {
    "colour moments": 2 * 9 * 3,
    "colour histograms": 9 * HISTOGRAM_BINS,
    "local binary patterns": 2 * sum(neighbours + 2 for neighbours, _ in PATTERNS),
    "oriented gradients": (GRADIENT_SIDE // GRADIENT_CELL - 1) ** 2 * 4 * GRADIENT_DIRECTIONS,
    "shape": 8 + 7 + 2,
}
"""Number of features by group, in vector order."""
FEATURE_COUNT = sum(FEATURE_COUNTS.values())


def describe_lesion(picture: Pixels, mask: Mask | None) -> FloatArray:
    """Features (``FEATURE_COUNT``,) of a picture (H, W, 3) with its lesion ``mask`` (H, W).

    Without a mask, or with an empty one, the lesion is segmented by Otsu's threshold.
    """
    picture, mask = _resize(picture, mask)
    lesion = None if mask is None else keep_largest(mask)
    if lesion is None:
        lesion = segment_by_otsu(picture)
    skin = ~lesion if not lesion.all() else lesion
    channels = to_channels(picture)
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    return np.concatenate(
        [
            *(measure_moments(channels[region]) for region in (lesion, skin)),
            measure_histograms(channels[lesion]),
            count_patterns(grey, (lesion, skin)),
            measure_gradients(grey, lesion),
            measure_shape(lesion),
        ]
    )


def to_channels(picture: Pixels) -> FloatArray:
    """RGB, HSV and CIE L*a*b* of a picture, (H, W, 9), each scaled to about 0 to 1.

    Hue is rotated by half a circle, so that the reds of skin are in the middle; a* and b* are scaled from −40 to 60.
    """
    rgb = picture.astype(np.float32) / 255
    hue, saturation, value = np.moveaxis(cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV), 2, 0)
    lightness, a, b = np.moveaxis(cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab), 2, 0)
    hue = (hue + 180) % 360 / 360
    channels = (*np.moveaxis(rgb, 2, 0), hue, saturation, value, lightness / 100, (a + 40) / 100, (b + 40) / 100)
    return np.stack(channels, axis=2).astype(np.float64)


def measure_moments(values: FloatArray) -> FloatArray:
    """Mean, standard deviation and cube root of the third central moment of each channel: (N, C) to (3C,)."""
    mean = values.mean(axis=0)
    centred = values - mean
    squared = centred * centred  # numpy's power of 3 is ten times slower
    return np.concatenate([mean, np.sqrt(squared.mean(axis=0)), np.cbrt((squared * centred).mean(axis=0))])


def measure_histograms(values: FloatArray) -> FloatArray:
    """Histogram of each channel in eight equal bins from 0 to 1: (N, C) to (8C,).

    Values outside count in the outer bins.
    """
    bins = np.clip((values * HISTOGRAM_BINS).astype(int), 0, HISTOGRAM_BINS - 1)
    counts = [np.bincount(channel, minlength=HISTOGRAM_BINS) for channel in bins.T]
    return np.concatenate(counts) / len(values)


def count_patterns(grey: Pixels, regions: tuple[Mask, ...]) -> FloatArray:
    """Histograms of uniform, rotation-invariant local binary patterns in each region, by radius and region."""
    shares = []
    for neighbours, radius in PATTERNS:
        found = local_binary_pattern(grey, neighbours, radius, method="uniform")  # type: ignore[no-untyped-call] # scikit-image
        patterns = found.astype(int)
        shares += [np.bincount(patterns[region], minlength=neighbours + 2) / region.sum() for region in regions]
    return np.concatenate(shares)


def measure_gradients(grey: Pixels, lesion: Mask) -> FloatArray:
    """Histogram of oriented gradients of the lesion's bounding box, 10 % wider on every side, resized to a square."""
    rows, columns = np.flatnonzero(lesion.any(axis=1)), np.flatnonzero(lesion.any(axis=0))
    margin_y, margin_x = (round(BOX_MARGIN * (axis[-1] + 1 - axis[0])) for axis in (rows, columns))
    top, left = max(0, rows[0] - margin_y), max(0, columns[0] - margin_x)
    box = grey[top : rows[-1] + 1 + margin_y, left : columns[-1] + 1 + margin_x]
    square = cv2.resize(box, (GRADIENT_SIDE, GRADIENT_SIDE), interpolation=cv2.INTER_AREA)
    cell = (GRADIENT_CELL, GRADIENT_CELL)
    found = hog(square, GRADIENT_DIRECTIONS, pixels_per_cell=cell, cells_per_block=(2, 2))
    return np.asarray(found, dtype=np.float64)


def measure_shape(lesion: Mask) -> FloatArray:
    """Shape of the lesion: (17,).

    Area (share of the image), perimeter over the root of the area, compactness (1 for a disc), eccentricity, solidity,
    extent, and the axes over the root of the area; Hu's seven moments, compressed; asymmetry about both principal
    axes.
    """
    region = regionprops(lesion.astype(np.uint8))[0]  # type: ignore[no-untyped-call] # scikit-image's, as above
    area, perimeter = float(region.area), max(1.0, float(region.perimeter_crofton))
    scale = np.sqrt(area)
    sizes = [
        area / lesion.size,
        perimeter / scale,
        4 * np.pi * area / perimeter**2,
        region.eccentricity,
        region.solidity,
        region.extent,
        region.axis_major_length / scale,
        region.axis_minor_length / scale,
    ]
    hu = np.asarray(region.moments_hu)
    # The usual signed logarithm is discontinuous at zero, near the moments of round lesions.
    return np.array([*sizes, *np.sign(hu) * np.log1p(HU_SCALE * np.abs(hu)), *measure_asymmetry(lesion)])


def measure_asymmetry(lesion: Mask) -> tuple[float, float]:
    """Asymmetry about the major and the minor principal axis, 0 for a symmetric lesion.

    It is one minus the IoU of the lesion with its mirror image.
    """
    y, x = np.nonzero(lesion)
    centroid = np.array([x.mean(), y.mean()])
    if len(x) < 3:
        return 0.0, 0.0
    minor, major = np.linalg.eigh(np.cov(np.stack([x, y]), bias=True))[1].T
    axes = np.stack([major, minor])
    half = int(np.ceil(np.hypot(*(np.stack([x, y], axis=1) - centroid).T).max())) + 2
    move = np.column_stack([axes, half - axes @ centroid])
    side = 2 * half + 1
    # Just under a half: a pixel that an axis cuts counts on both sides.
    turned = cv2.warpAffine(lesion.astype(np.float32), move, (side, side), flags=cv2.INTER_LINEAR) > 0.49
    about_major, about_minor = (
        float(1 - (turned & mirrored).sum() / max(1, (turned | mirrored).sum()))
        for mirrored in (turned[::-1], turned[:, ::-1])
    )
    return about_major, about_minor


def segment_by_otsu(picture: Pixels) -> Mask:
    """The largest dark region (H, W) of a blurred picture by Otsu's threshold.

    Dark corners are excluded by the inscribed ellipse; if no region stands out, the ellipse itself is returned.
    """
    height, width = picture.shape[:2]
    ellipse = np.zeros((height, width), np.uint8)
    cv2.ellipse(ellipse, (width // 2, height // 2), (width // 2, height // 2), 0, 0, 360, 1, thickness=-1)
    inside = ellipse > 0
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), sigmaX=min(height, width) / 64)
    values = grey[inside]
    threshold = find_otsu_threshold(np.bincount(values, minlength=256))
    lesion = keep_largest((grey <= threshold) & inside) if values.min() < values.max() else None
    return inside if lesion is None else lesion


def keep_largest(mask: Mask) -> Mask | None:
    """The largest connected region of a mask (H, W), holes filled; None if it is too small to be a lesion."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    region = np.zeros(mask.shape, np.uint8)
    largest = max(contours, key=cv2.contourArea)
    cv2.drawContours(region, [largest], -1, 1, thickness=cv2.FILLED)
    return region > 0 if region.mean() >= LEAST_LESION else None


def _resize(picture: Pixels, mask: Mask | None) -> tuple[Pixels, Mask | None]:
    height, width = picture.shape[:2]
    scale = SHORT_SIDE / min(height, width)
    size = (round(width * scale), round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = np.asarray(cv2.resize(picture, size, interpolation=how), dtype=np.uint8)
    if mask is None:
        return resized, None
    return resized, cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
