"""Perceptual hash, which recognises copies under another name, size or compression.

Source: N. Krawetz, "Looks Like It" (2011), as in ``imagehash.phash``: the signs of the lowest 8×8 DCT coefficients of
a 32×32 grey copy relative to their median.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE, KEPT = 32, 8
Hashes = npt.NDArray[np.uint64]


def _make_cosines() -> npt.NDArray[np.float64]:
    """The first rows (KEPT, SIDE) of the DCT-II matrix."""
    frequency, index = np.arange(KEPT)[:, None], np.arange(SIDE)[None]
    return np.asarray(2 * np.cos(np.pi * frequency * (2 * index + 1) / (2 * SIDE)))


COSINES = _make_cosines()


def hash_picture(picture: Image.Image) -> np.uint64:
    """64-bit perceptual hash of a picture."""
    grey = np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS), np.float64)
    low = COSINES @ grey @ COSINES.T
    bits = low > np.median(low)
    return np.uint64(int.from_bytes(np.packbits(bits.reshape(64)).tobytes(), "big"))


def find_alike(hashes: Hashes, known: Hashes, *, max_distance: int) -> npt.NDArray[np.int64]:
    """Index (N,) of the nearest of ``known`` (M,) for each of ``hashes``; −1 if none is that near."""
    nearest_of = np.full(len(hashes), -1, np.int64)
    for index, value in enumerate(hashes):
        distances = np.bitwise_count(known ^ value)
        nearest = int(distances.argmin())
        if distances[nearest] <= max_distance:
            nearest_of[index] = nearest
    return nearest_of
