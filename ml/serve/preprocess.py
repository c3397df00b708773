"""Preprocessing of an image to the network's input, as the manifest specifies."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.bundle.manifest import InputSpec

Box = tuple[float, float, float, float]

MAX_ASPECT = 4 / 3
"""Longer by shorter side that every network here is trained on; what lies beyond is cropped away centrally."""


def view_boxes(width: int, height: int, spec: InputSpec) -> tuple[Box, ...]:
    """Box (left, top, right, bottom) of each test-time view, in pixels of an image of ``width`` by ``height``."""
    kept_width = min(width, height * spec.max_aspect_ratio)
    kept_height = min(height, width * spec.max_aspect_ratio)
    boxes = []
    for view in spec.views:
        half_width, half_height = kept_width * view.fraction / 2, kept_height * view.fraction / 2
        boxes.append(
            (width / 2 - half_width, height / 2 - half_height, width / 2 + half_width, height / 2 + half_height)
        )
    return tuple(boxes)


def views(image: npt.NDArray[np.uint8], spec: InputSpec) -> npt.NDArray[np.uint8]:
    """Crop the test-time views of an image (H, W, 3) and resize each to a square: (V, S, S, 3) uint8.

    Uses Pillow's antialiased filter that the manifest names, which reads a few pixels beyond the view's edge.
    """
    height, width = image.shape[:2]
    picture = Image.fromarray(image)
    filter_ = Image.Resampling[spec.interpolation.upper()]
    batch = np.empty((len(spec.views), spec.size, spec.size, 3), np.uint8)
    for index, box in enumerate(view_boxes(width, height, spec)):
        batch[index] = np.asarray(picture.resize((spec.size, spec.size), filter_, box=box))
    return batch
