"""Leakage check: which of the images are in the training data, by id or as near-duplicates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ml.data.duplicates.perceptual_hash import find_alike, hash_picture
from ml.data.split import HASHES_FILE, TEST, read_split
from ml.evaluation.observe import open_picture

MAX_DISTANCE = 2
"""Largest Hamming distance, of 64 bits, between copies; from three on, different lesions chain together."""
NAMED = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """Known ones among ``images``: ids in folds 0 to 4, and near-duplicates of any fold under another id."""

    images: int = 0
    by_id: tuple[str, ...] = ()
    by_look: tuple[str, ...] = ()
    like_test: tuple[str, ...] = ()

    def to_lines(self) -> list[str]:
        """Messages about known images, one line each; empty if there are none."""
        lines = []
        if self.by_id:
            lines.append(
                f"{len(self.by_id)} of {self.images} images are of folds 0 to 4 of ISIC 2018 Task 3, on which networks"
                " are trained and calibrated: the figures are not of unseen images"
            )
        if self.by_look:
            lines.append(
                f"{len(self.by_look)} of {self.images} images look like images of folds 0 to 4 of ISIC 2018 Task 3"
                f" ({_name_some(self.by_look)}): the figures are perhaps not of unseen images"
            )
        if self.like_test:
            lines.append(
                f"{len(self.like_test)} of {self.images} images look like images of the test fold"
                f" ({_name_some(self.like_test)}): an evaluation that no log records"
            )
        return lines


NOTHING_SEEN = Seen()


def find_seen(paths: Mapping[str, Path], split: Mapping[str, str]) -> Seen:
    """Look up images in the frozen split by id, and all others by perceptual hash."""
    by_id = [name for name in paths if split.get(name, TEST) != TEST]
    strange = [name for name in paths if name not in split]
    folds = list(read_split().fold_of.values())
    hashes = np.array([hash_picture(open_picture(paths[name])) for name in strange], np.uint64)
    matches = find_alike(hashes, np.load(HASHES_FILE), max_distance=MAX_DISTANCE)
    alike = {name: folds[match] for name, match in zip(strange, matches.tolist(), strict=True) if match >= 0}
    return Seen(
        len(paths),
        tuple(by_id),
        tuple(name for name, fold in alike.items() if fold != TEST),
        tuple(name for name, fold in alike.items() if fold == TEST),
    )


def _name_some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
