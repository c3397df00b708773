"""The heat-map's picture."""

import io

import numpy as np
from PIL import Image

COLOUR = (255, 208, 40)
OPACITY = 235  # at most, of 255
END = b"IEND\xaeB`\x82"


def paint(activation: np.ndarray) -> bytes:
    """Turn an activation map (height, width), 0 to 1, into a PNG of one colour, the more opaque the stronger."""
    picture = np.empty((*activation.shape, 4), np.uint8)
    picture[..., :3] = COLOUR
    picture[..., 3] = np.rint(np.clip(activation, 0.0, 1.0) * OPACITY)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def is_whole(png: bytes) -> bool:
    """Whether these are the bytes of a whole PNG, by the checksums that one has of each of its parts."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            picture.verify()
    except (OSError, SyntaxError, ValueError):
        return False
    return png.endswith(END)
