"""Splits any labelled data set in six folds that share no lesion, no patient and no copy of a photograph.

    python -m ml make-split --data DIR --out split.csv
    python -m ml make-split --images DIR --table labels.csv --out split.csv

The first takes a directory in the official layout of ISIC 2018 Task 3, the second a CSV with the columns ``image`` and
``class``, whose classes may be any, and where they are known ``lesion`` (or ``lesion_id``) and ``patient`` (or
``patient_id``), in any case. It prints which columns it groups by and which it ignores.

Groups join the images of one lesion or patient and near-duplicates, transitively. Each of the folds ``test`` and 0 to 4
gets a sixth of the images, with the classes in the same shares. Beside the split go its SHA-256 and the images'
perceptual hashes, as ``ml.data.split.read_split`` reads them. The same seed makes the same split of the same data.

The frozen split of ISIC 2018 Task 3 was made by this module at revision 92996e3, which also took a list of images that
the first weights had not been trained on.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from ml.bundle.hashing import hash_file
from ml.data.duplicates.near_duplicates import MAX_DISTANCE, find_near_duplicates, hash_images
from ml.data.isic import find_images, read_isic
from ml.data.prepare.tables import write_csv
from ml.data.rows import fill_in, read_rows
from ml.data.split import COLUMNS, FOLDS, SPLIT_SEED
from ml.errors import UserError
from ml.support.disk import check_can_be_written
from ml.taxonomy import CLASSES

MOST_COPIES = 30
"""Largest plausible group of near-duplicates; beyond it, the hash confuses different photographs."""
GROUPING = re.compile(r"(lesion|patient)[ _-]?(id)?", re.IGNORECASE)
"""Names of the columns whose values images of one group share."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An image, its class, and the ``keys`` shared by images of the same lesion or patient."""

    image_id: str
    path: Path
    label: str
    keys: tuple[str, ...] = ()


def read_layout(directory: Path) -> list[Labelled]:
    """Images of a directory in the official layout."""
    return [
        Labelled(image.image_id, image.path, CLASSES[image.label], (f"lesion {image.group}",))
        for image in read_isic(directory).records
    ]


def read_table(path: Path, images: Path) -> list[Labelled]:
    """Images labelled by a CSV; prints the columns used, and raises ``UserError`` for unknown and repeated images."""
    files, images_by_name = find_images(images), dict[str, Labelled]()
    rows = read_rows(path, ("image", "class"))
    header = list(rows[0][1]) if rows else []
    grouping = [column for column in header if GROUPING.fullmatch(column)]
    ignored = [column for column in header if column not in ("image", "class", *grouping)]
    for line, row in rows:
        name = row["image"]
        if name not in files or name in images_by_name or fill_in(row["class"]) is None:
            raise UserError(f"{path}, line {line}: {name} needs one row, a class, and a file in {images}; correct it")
        keys = tuple(f"{column} {value}" for column in grouping if (value := fill_in(row[column])) is not None)
        images_by_name[name] = Labelled(name, files[name], row["class"], keys)
    if not images_by_name:
        raise UserError(f"{path}: no labelled image; add rows under the header")
    print(f"grouped by: {', '.join(grouping) or 'near-duplicates alone'}; ignored: {', '.join(ignored) or 'nothing'}")
    return [images_by_name[name] for name in sorted(images_by_name)]


def group_images(keys: Sequence[Iterable[str]], duplicates: Iterable[tuple[int, int]]) -> npt.NDArray[np.int64]:
    """Group numbers (N,), in order of first appearance, joining images with a common key and near-duplicates."""
    first_of: dict[str, int] = {}
    edges = [
        *duplicates,
        *((first_of.setdefault(key, index), index) for index, own_keys in enumerate(keys) for key in own_keys),
    ]
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(keys), len(keys)))
    labels = connected_components(graph, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def assign_folds(labels: Sequence[str], groups: npt.NDArray[np.int64], *, seed: int = SPLIT_SEED) -> list[str]:
    """The fold of each image (N,). Raises ``UserError`` for a class with fewer groups than folds."""
    for label, count in Counter(label for label, _ in set(zip(labels, groups.tolist(), strict=True))).items():
        if count < len(FOLDS):
            raise UserError(
                f"class {label} has {count} lesions or patients of its own, fewer than the {len(FOLDS)} folds; add"
                " images, or leave the class out"
            )
    folds = np.empty(len(labels), dtype=object)
    splitter = StratifiedGroupKFold(len(FOLDS), shuffle=True, random_state=seed)
    for fold, (_, held_out) in zip(FOLDS, splitter.split(groups, labels, groups), strict=True):
        folds[held_out] = fold
    return [str(fold) for fold in folds]


def make_split(
    images: Sequence[Labelled], hashes: npt.NDArray[np.uint64], *, seed: int = SPLIT_SEED
) -> list[tuple[str, ...]]:
    """Rows (image, group, fold) in the order of the images. Raises ``UserError`` if too many look like copies."""
    pairs = list(find_near_duplicates(hashes))
    most = max(Counter(group_images([()] * len(images), pairs).tolist()).values())
    if most > MOST_COPIES:
        raise UserError(
            f"{most} images hang together as near-duplicates (at most {MAX_DISTANCE} of 64 bits differ), over"
            f" {MOST_COPIES}; leave out frames without a picture"
        )
    groups = group_images([image.keys for image in images], pairs)
    folds = assign_folds([image.label for image in images], groups, seed=seed)
    return [(image.image_id, f"G{group:05d}", fold) for image, group, fold in zip(images, groups, folds, strict=True)]


def main(options: argparse.Namespace) -> int:
    """Write the split and, beside it, its SHA-256 and the hashes."""
    if (options.table is None) != (options.images is None):
        raise UserError("--table and --images go together; give both or neither")
    check_can_be_written(options.out, not_over=(options.table,))
    images = read_layout(options.data) if options.table is None else read_table(options.table, options.images)
    hashes = hash_images([image.path for image in images])
    rows = make_split(images, hashes, seed=options.seed)
    write_csv(options.out, COLUMNS, rows)
    options.out.with_suffix(".sha256").write_text(f"{hash_file(options.out)}  {options.out.name}\n", encoding="utf-8")
    np.save(options.out.with_suffix(".hashes.npy"), hashes)
    print(dict(sorted(Counter(fold for *_, fold in rows).items())))
    return 0
