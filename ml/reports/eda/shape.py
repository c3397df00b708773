"""Size and asymmetry of a lesion, from its mask."""

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]

EDGE = 2
"""Pixels: a mask that comes so near to the picture's edge is cut off by it."""


def measure_shape(mask: Mask) -> dict[str, float]:
    """Of a mask (H, W), not 0 inside: area, its share of the picture; asymmetry; cut_off, 1 where the edge cuts it.

    An empty mask has area 0 and no asymmetry (NaN).
    """
    inside = (mask > 0).astype(np.uint8)
    inner = inside[EDGE:-EDGE, EDGE:-EDGE]
    return {
        "area": float(inside.mean()),
        "asymmetry": measure_asymmetry(inside),
        "cut_off": float(inner.sum() < inside.sum()),
    }


def measure_asymmetry(inside: Mask) -> float:
    """One less the overlap (intersection over union) of a mask of 0 and 1 with its mirror image, mean of both axes.

    The axes are the principal ones through the centroid: 0 for an ellipse, near 1 for what nowhere meets its mirror.
    After Stoecker, Li and Moss, "Automatic detection of asymmetry in skin tumors", Comput Med Imaging Graph 16 (1992),
    who measure the area of the difference.
    """
    moments = cv2.moments(inside, binaryImage=True)
    if moments["m00"] == 0:
        return float("nan")
    centre = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    degrees = np.degrees(0.5 * np.arctan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"]))
    left, top, width, height = cv2.boundingRect(inside)
    corners = np.array([(x, y) for x in (left, left + width) for y in (top, top + height)]) - centre
    side = 2 * int(np.hypot(*corners.T).max()) + 3  # odd: the mirror image of its middle is itself
    turn = cv2.getRotationMatrix2D(centre, degrees, 1.0)
    turn[:, 2] += side // 2 - np.array(centre)
    upright = cv2.warpAffine(inside, turn, (side, side), flags=cv2.INTER_NEAREST) > 0
    overlaps = [(upright & mirror).sum() / (upright | mirror).sum() for mirror in (upright[::-1], upright[:, ::-1])]
    return float(1 - np.mean(overlaps))
