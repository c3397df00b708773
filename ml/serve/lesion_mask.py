"""From the network's logits of lesion to a mask of the picture, and from that to size, framing and asymmetry."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.bundle.manifest import InputSpec
from ml.serve.preprocess import view_boxes

Mask = npt.NDArray[np.bool_]

LONGER_SIDE = 160
"""Of every mask, so that measures do not depend on the picture's size."""


def grid_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the mask of a picture of that size."""
    scale = LONGER_SIDE / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def widest_view(spec: InputSpec) -> int:
    """Which of the views shows most of the picture: the mask is read from it."""
    fractions = [view.fraction for view in spec.views]
    return fractions.index(max(fractions))


def lay_mask(logits: npt.NDArray[np.floating], width: int, height: int, spec: InputSpec) -> Mask:
    """Logits (h, w) of the widest view to a mask (H, W) of a whole picture of ``width`` and ``height`` pixels.

    Lesion is what is above 0. Beyond the view, which no network has seen, its edge goes on outwards.
    """
    columns, rows = grid_size(width, height)
    box = view_boxes(columns, rows, spec)[widest_view(spec)]
    left, top, right, bottom = (round(edge) for edge in box)
    inside = (max(1, right - left), max(1, bottom - top))
    seen = Image.fromarray(logits.astype(np.float32)).resize(inside, Image.Resampling.BILINEAR)
    beyond = ((top, rows - top - inside[1]), (left, columns - left - inside[0]))
    return np.asarray(np.pad(np.asarray(seen) > 0, beyond, mode="edge"))


def measure_lesion(mask: Mask) -> dict[str, float]:
    """``lesion_area`` and ``lesion_at_edge``, shares of the picture and of its border; ``lesion_asymmetry``.

    All are 0 where there is no lesion. The area is no length: a photograph rarely tells its scale.
    """
    border = np.concatenate((mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]))
    return {
        "lesion_area": float(mask.mean()),
        "lesion_at_edge": float(border.mean()),
        "lesion_asymmetry": measure_asymmetry(mask),
    }


def measure_asymmetry(mask: Mask) -> float:
    """One less the overlap (intersection over union) of a mask with its mirror image, mean of both principal axes.

    0 for an ellipse, near 1 for what nowhere meets its mirror. After Stoecker, Li and Moss, "Automatic detection of
    asymmetry in skin tumors", Comput Med Imaging Graph 16 (1992), who measure the area of the difference.
    """
    places = np.argwhere(mask)
    if len(places) == 0:
        return 0.0
    centre = places.mean(axis=0)
    from_centre = places - centre
    _, axes = np.linalg.eigh(from_centre.T @ from_centre)
    overlaps = []
    for axis in axes.T:
        mirrored = np.rint(places - 2 * np.outer(from_centre @ axis, axis)).astype(int)
        in_picture = ((mirrored >= 0) & (mirrored < mask.shape)).all(axis=1)
        met = mask[tuple(mirrored[in_picture].T)].sum()
        overlaps.append(met / (2 * len(places) - met))
    return float(1 - np.mean(overlaps))
