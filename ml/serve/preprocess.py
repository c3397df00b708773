"""A picture to the network's input, as the bundle's manifest says."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.bundle.manifest import InputSpec

Box = tuple[float, float, float, float]


def view_boxes(width: int, height: int, spec: InputSpec) -> tuple[Box, ...]:
    """Give each view's (left, top, right, bottom) in pixels of a picture of that size."""
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
    """Cut the views of a picture (H, W, 3) and squash each to the square: (V, S, S, 3) uint8.

    Pillow's antialiased filter of the manifest's name, which looks a few pixels over the view's edge.
    """
    height, width = image.shape[:2]
    picture = Image.fromarray(image)
    filter_ = Image.Resampling[spec.interpolation.upper()]
    batch = np.empty((len(spec.views), spec.size, spec.size, 3), np.uint8)
    for place, box in enumerate(view_boxes(width, height, spec)):
        batch[place] = np.asarray(picture.resize((spec.size, spec.size), filter_, box=box))
    return batch
