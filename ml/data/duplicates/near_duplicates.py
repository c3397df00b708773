"""Near-duplicates: photographs of the same skin under different names, by perceptual hash or embedding.

The hash finds copies; the embedding also finds other photographs of the same lesion, turned or closer.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from ml.data.duplicates.perceptual_hash import hash_picture
from ml.data.pictures import read_pixels

MAX_DISTANCE = 2
"""Largest Hamming distance, of 64 bits, between copies; from three on, different lesions chain together."""
ROWS_AT_ONCE = 512


def hash_images(paths: Sequence[Path], *, progress: bool = True) -> npt.NDArray[np.uint64]:
    """64-bit perceptual hashes (N,) of image files."""
    hashes = np.empty(len(paths), dtype=np.uint64)
    for index, path in enumerate(tqdm(paths, desc="Hashing images", unit="image", disable=not progress)):
        hashes[index] = hash_picture(Image.fromarray(read_pixels(path)))
    return hashes


def find_near_duplicates(
    hashes: npt.NDArray[np.uint64], *, max_distance: int = MAX_DISTANCE
) -> Iterator[tuple[int, int]]:
    """Yield pairs of indices (first < second) whose hashes differ in at most ``max_distance`` bits."""
    for first in range(len(hashes) - 1):
        distances = np.bitwise_count(hashes[first + 1 :] ^ hashes[first])
        for offset in np.flatnonzero(distances <= max_distance):
            yield first, first + 1 + int(offset)


def find_similar(vectors: npt.NDArray[np.float32], *, min_cosine: float) -> Iterator[tuple[int, int]]:
    """Yield pairs of indices (first < second) of unit vectors (N, D) whose cosine is at least ``min_cosine``."""
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        cosines = vectors[start : start + ROWS_AT_ONCE] @ vectors.T
        for offset, second in np.argwhere(cosines >= min_cosine):
            if start + offset < second:
                yield int(start + offset), int(second)
