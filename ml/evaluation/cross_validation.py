"""Cross-validation on a calibration set, grouped by lesion."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]

PARTS = 5
SEED = 2018


def grouped_parts(groups: Sequence[str], *, parts: int = PARTS, seed: int = SEED) -> Iterator[tuple[Indices, Indices]]:
    """Yield (fitting, judging) indices ``parts`` times; ``groups`` (N,) names each image's lesion."""
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    part_of = np.random.default_rng(seed).permutation(len(names)) % parts
    for part in range(parts):
        judged = part_of[group_of] == part
        yield np.flatnonzero(~judged), np.flatnonzero(judged)
