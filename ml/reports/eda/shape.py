"""Size and asymmetry of a lesion from its mask."""

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]

EDGE = 2
"""Distance in pixels from the image's edge within which a mask counts as cut off."""


def measure_shape(mask: Mask) -> dict[str, float]:
    """Measures of a mask (H, W), not 0 inside: area (share of the image), asymmetry, and cut_off (0 or 1).

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
    """Asymmetry: 1 − IoU of a mask of 0 and 1 with its mirror image, averaged over both principal axes.

    The axes pass through the centroid: 0 for an ellipse, near 1 where mask and mirror image hardly overlap. After
    Stoecker, Li and Moss, "Automatic detection of asymmetry in skin tumors", Comput Med Imaging Graph 16 (1992), who
    measure the area of the difference.
    """
    moments = cv2.moments(inside, binaryImage=True)
    if moments["m00"] == 0:
        return float("nan")
    centre = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    degrees = np.degrees(0.5 * np.arctan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"]))
    left, top, width, height = cv2.boundingRect(inside)
    corners = np.array([(x, y) for x in (left, left + width) for y in (top, top + height)]) - centre
    side = 2 * int(np.hypot(*corners.T).max()) + 3  # odd, so that the middle pixel is its own mirror image
    turn = cv2.getRotationMatrix2D(centre, degrees, 1.0)
    turn[:, 2] += side // 2 - np.array(centre)
    upright = cv2.warpAffine(inside, turn, (side, side), flags=cv2.INTER_NEAREST) > 0
    overlaps = [(upright & mirror).sum() / (upright | mirror).sum() for mirror in (upright[::-1], upright[:, ::-1])]
    return float(1 - np.mean(overlaps))
