"""Artefacts in dermoscopic photographs, detected by OpenCV: hair, ruler marks, ink and dark corners.

A score grows with the amount of the artefact; from its value in ``THRESHOLDS`` on, it counts as present. Thresholds
were chosen on half of 100 images labelled by eye and checked on the other half: ``docs/eda``.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

ARTEFACTS = ("hair", "ruler", "ink", "dark_corner")

WIDTH = 400
"""Width in pixels at which every image is measured, so that scores do not depend on its size."""

THRESHOLDS = {"hair": 0.3, "ruler": 5.0, "ink": 0.0003, "dark_corner": 0.5}
"""Lowest score at which an artefact counts as present."""

LINE_REACH, ORIENTATIONS = 9, 8
HAIR_CONTRAST, HAIR_LENGTH, HAIR_WIDTH = 16, 30, 4.0
TICK_CONTRASTS, TICK_LENGTHS, TICK_STEPS = (12, 20), (5, 45), (4.0, 60.0)
CORNER_LEG = 12


def score_artefacts(image: Pixels, lesion: Mask | None = None) -> dict[str, float]:
    """Scores by name in ``ARTEFACTS`` of an image (H, W, 3) uint8 RGB.

    ``lesion`` (H, W), not 0 inside, keeps blue lesions from counting as ink; hair and ruler do not need it.
    """
    size = (WIDTH, round(image.shape[0] * WIDTH / image.shape[1]))
    small: Pixels = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    inside = np.zeros(size[::-1], np.uint8)
    if lesion is not None:
        inside = cv2.resize(lesion, size, interpolation=cv2.INTER_NEAREST).astype(np.uint8)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    rim = _find_rim(grey)
    dark, light = (_find_lines(grey, kind) for kind in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT))
    return {
        "hair": sum(_score_hair((lines >= HAIR_CONTRAST) & (rim == 0)) for lines in (dark, light)),
        "ruler": max(_score_ruler((dark >= contrast).astype(np.uint8)) for contrast in TICK_CONTRASTS),
        "ink": _score_ink(small, (rim == 0) & (_widen(inside, 41) == 0)),
        "dark_corner": _score_dark_corner(grey),
    }


def _widen(mask: Mask, side: int) -> Mask:
    return cv2.dilate((mask > 0).astype(np.uint8), np.ones((side, side), np.uint8)).astype(np.uint8)


def _find_rim(grey: Mask) -> Mask:
    """Mask of the dermatoscope's dark rim, with a margin: 1, elsewhere 0."""
    smooth = cv2.GaussianBlur(grey, (9, 9), 0)
    dark = (smooth < 0.5 * np.percentile(smooth, 75)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(dark)
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    patches = [
        label
        for label in edge
        if label
        and stats[label, cv2.CC_STAT_AREA] > 60
        and min(stats[label, cv2.CC_STAT_WIDTH], stats[label, cv2.CC_STAT_HEIGHT]) > 8
    ]
    return _widen(np.isin(labels, patches).astype(np.uint8), 21)


def _find_lines(grey: Mask, kind: int) -> Mask:
    """Contrast of thin dark (black-hat) or light (top-hat) structures, in grey levels.

    After Lee et al., "DullRazor", Comput Biol Med 27 (1997): a closing across a hair fills it, one along it does not.
    """
    response = np.zeros_like(grey)
    for element in _list_line_elements():
        response = np.maximum(response, cv2.morphologyEx(grey, kind, element))
    return response


def _list_line_elements() -> Iterator[Mask]:
    centre = LINE_REACH // 2
    for angle in np.arange(ORIENTATIONS) * np.pi / ORIENTATIONS:
        reach = centre * np.array([np.cos(angle), np.sin(angle)])
        first, last = (np.round(centre + sign * reach).astype(int).tolist() for sign in (-1, 1))
        yield cv2.line(np.zeros((LINE_REACH, LINE_REACH), np.uint8), first, last, 1).astype(np.uint8)


def _score_hair(lines: npt.NDArray[np.bool_]) -> float:
    """Total length of long thin structures, in image widths."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(lines.astype(np.uint8), connectivity=8)
    structures = stats[1:].astype(float)  # 0 is the background
    lengths = np.hypot(structures[:, cv2.CC_STAT_WIDTH], structures[:, cv2.CC_STAT_HEIGHT])
    widths = structures[:, cv2.CC_STAT_AREA] / lengths
    return float(lengths[(lengths >= HAIR_LENGTH) & (widths < HAIR_WIDTH)].sum()) / WIDTH


def _score_ruler(lines: Mask) -> float:
    """Number of parallel short marks in the longest row with equal spacing, as on a scale."""
    centres, angles = _list_ticks(lines)
    most = min(len(centres), 1)
    for first in range(len(centres)):
        offsets = centres - centres[first]
        steps = np.hypot(offsets[:, 0], offsets[:, 1])
        along = np.abs(np.cos(np.arctan2(offsets[:, 1], offsets[:, 0]) - angles[first]))
        near = (steps > TICK_STEPS[0]) & (steps < TICK_STEPS[1]) & (along < 0.35)
        for second in np.flatnonzero(near & (_turn(angles, angles[first]) < 0.2)):
            most = max(most, _count_row(centres, angles, first, int(second)))
    return float(most)


def _list_ticks(lines: Mask) -> tuple[Floats, Floats]:
    """Centres (N, 2) in pixels and directions (N,) in radians of short, straight, thin structures."""
    centres, angles = [], []
    contours, _ = cv2.findContours(lines, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        if len(contour) < TICK_LENGTHS[0]:
            continue
        centre, (width, height), degrees = cv2.minAreaRect(contour)
        length, thickness = max(width, height), min(width, height)
        if TICK_LENGTHS[0] <= length <= TICK_LENGTHS[1] and thickness <= max(3.0, 0.45 * length):
            centres.append(centre)
            angles.append(np.radians(degrees if width >= height else degrees + 90))
    return np.array(centres, dtype=float).reshape(-1, 2), np.array(angles, dtype=float)


def _count_row(centres: Floats, angles: Floats, first: int, second: int) -> int:
    """Number of marks that continue ``first`` and ``second`` at the same spacing, within a quarter of it."""
    row = [first, second]
    while True:
        step = centres[row[-1]] - centres[row[-2]]
        misses = np.hypot(*(centres - centres[row[-1]] - step).T)
        misses[_turn(angles, angles[row[-1]]) > 0.2] = np.inf
        following = int(misses.argmin())
        if misses[following] > 0.25 * np.hypot(*step) or following in row:
            return len(row)
        row.append(following)


def _turn(angles: Floats, angle: float) -> Floats:
    """Smallest angle between undirected lines, in radians."""
    turn: Floats = np.abs((angles - angle + np.pi / 2) % np.pi - np.pi / 2)
    return turn


def _score_ink(image: Pixels, skin: npt.NDArray[np.bool_]) -> float:
    """Share of the image that is skin and much bluer, more violet or greener in CIELAB than the skin's median."""
    if skin.mean() < 0.02:
        return 0.0
    _, *opponents = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2LAB))
    redder, yellower = (channel.astype(np.int16) - int(np.median(channel[skin][::5])) for channel in opponents)
    bluish = yellower < -18
    greenish = (redder < -22) & (yellower < 8)
    marked = (bluish | greenish) & (redder**2 + yellower**2 > 22**2) & skin
    return float(cv2.morphologyEx(marked.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).mean())


def _score_dark_corner(grey: Mask) -> float:
    """How much darker the darkest corner is than the upper quartile of the image: 0 to 1."""
    smooth = cv2.GaussianBlur(grey, (5, 5), 0)
    triangle = np.add(*np.indices((CORNER_LEG, CORNER_LEG))) < CORNER_LEG
    turned = (smooth, smooth[:, ::-1], smooth[::-1], smooth[::-1, ::-1])
    corners = [np.median(view[:CORNER_LEG, :CORNER_LEG][triangle]) for view in turned]
    return float(np.clip(1 - min(corners) / max(np.percentile(smooth, 75), 1.0), 0, 1))
