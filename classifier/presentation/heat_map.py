"""The heat-map's picture."""

import io

import numpy as np
from PIL import Image

COLOUR = (255, 208, 40)
OPACITY = 235  # at most, of 255


def paint(activation: np.ndarray) -> bytes:
    """Turn an activation map (height, width), 0 to 1, into a PNG of one colour, the more opaque the stronger."""
    picture = np.empty((*activation.shape, 4), np.uint8)
    picture[..., :3] = COLOUR
    picture[..., 3] = np.rint(np.clip(activation, 0.0, 1.0) * OPACITY)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()
