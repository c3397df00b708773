"""Lesion segmentation: from the network's mask logits to a mask of the image, its area, framing and asymmetry."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.bundle.manifest import InputSpec
from ml.serve.preprocess import view_boxes

Mask = npt.NDArray[np.bool_]

LONGER_SIDE = 160
"""Longer side of every mask in pixels, so that measures do not depend on the size of the image."""


def grid_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the mask of an image of ``width`` by ``height`` pixels."""
    scale = LONGER_SIDE / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def widest_view(spec: InputSpec) -> int:
    """Index of the view that covers most of the image; the mask is read from it."""
    fractions = [view.fraction for view in spec.views]
    return fractions.index(max(fractions))


def lay_mask(logits: npt.NDArray[np.floating], width: int, height: int, spec: InputSpec) -> Mask:
    """Turn the widest view's logits (h, w) into a mask (H, W) of the whole image of ``width`` by ``height`` pixels.

    A positive logit is lesion. Outside the view, which the network has not seen, the mask's edge is extended.
    """
    columns, rows = grid_size(width, height)
    box = view_boxes(columns, rows, spec)[widest_view(spec)]
    left, top, right, bottom = (round(edge) for edge in box)
    inside = (max(1, right - left), max(1, bottom - top))
    seen = Image.fromarray(logits.astype(np.float32)).resize(inside, Image.Resampling.BILINEAR)
    beyond = ((top, rows - top - inside[1]), (left, columns - left - inside[0]))
    return np.asarray(np.pad(np.asarray(seen) > 0, beyond, mode="edge"))


def measure_lesion(mask: Mask) -> dict[str, float]:
    """Measure ``lesion_area`` and ``lesion_at_edge``, shares of the image and of its border, and ``lesion_asymmetry``.

    All are 0 for an empty mask. The area has no physical unit, since the scale of a photograph is unknown.
    """
    area, at_edge = measure_extent(mask)
    return {"lesion_area": area, "lesion_at_edge": at_edge, "lesion_asymmetry": measure_asymmetry(mask)}


def measure_extent(mask: Mask) -> tuple[float, float]:
    """Measure the shares of the image and of its border that a mask covers."""
    border = np.concatenate((mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]))
    return float(mask.mean()), float(border.mean())


def measure_asymmetry(mask: Mask) -> float:
    """Asymmetry: 1 − IoU of the mask with its mirror image, averaged over both principal axes.

    It is 0 for an ellipse and near 1 where mask and mirror image hardly overlap. After Stoecker, Li and Moss,
    "Automatic detection of asymmetry in skin tumors", Comput Med Imaging Graph 16 (1992), who measure the area of the
    difference.
    """
    pixels = np.argwhere(mask)
    if len(pixels) == 0:
        return 0.0
    centre = pixels.mean(axis=0)
    from_centre = pixels - centre
    _, axes = np.linalg.eigh(from_centre.T @ from_centre)
    overlaps = []
    for axis in axes.T:
        mirrored = np.rint(pixels - 2 * np.outer(from_centre @ axis, axis)).astype(int)
        in_picture = ((mirrored >= 0) & (mirrored < mask.shape)).all(axis=1)
        overlap = mask[tuple(mirrored[in_picture].T)].sum()
        overlaps.append(overlap / (2 * len(pixels) - overlap))
    return float(1 - np.mean(overlaps))
