"""Near-duplicates are found by perceptual hash."""

from pathlib import Path

import numpy as np
from PIL import Image

from ml.data.duplicates.near_duplicates import find_near_duplicates, hash_images


def test_pairs_within_the_distance_are_found_and_no_others() -> None:
    hashes = np.array([0b0000, 0b0011, 0b0111, 0b1111_0000], dtype=np.uint64)
    # Distances: 0-1 two bits, 0-2 three, 1-2 one; 3 is four or more from all.
    assert list(find_near_duplicates(hashes, max_distance=2)) == [(0, 1), (1, 2)]


def test_the_highest_bit_counts() -> None:
    hashes = np.array([0, 1 << 63], dtype=np.uint64)
    assert list(find_near_duplicates(hashes, max_distance=0)) == []
    assert list(find_near_duplicates(hashes, max_distance=1)) == [(0, 1)]


def test_a_smaller_copy_is_a_near_duplicate_and_another_picture_is_not(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    coarse = [Image.fromarray(random.integers(0, 256, (9, 12, 3), dtype=np.uint8)) for _ in range(2)]
    one, other = (picture.resize((400, 300), Image.Resampling.BICUBIC) for picture in coarse)
    paths = [tmp_path / f"{name}.jpg" for name in "abc"]
    for picture, path in zip((one, one.resize((200, 150)), other), paths, strict=True):
        picture.save(path, quality=80)
    hashes = hash_images(paths, progress=False)
    assert list(find_near_duplicates(hashes)) == [(0, 1)]
