"""Makes the one frozen split. Kept so that anyone can see how it came about; run once.

    python -m ml make-split --data DIR --unseen FILE --out ml/data/splits/isic2018_task3.csv

Groups join images of one lesion and near-duplicates, transitively. Groups wholly in the list of unseen images (which
neither the distilled weights nor their teachers were trained on) make ``test`` (three fifths) and fold 4 (two fifths);
every other group goes to folds 0 to 3. Both parts are stratified by class.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from ml.bundle.hashing import hash_file
from ml.data.duplicates.near_duplicates import find_near_duplicates, hash_images
from ml.data.isic import Record, read_isic
from ml.data.rows import read_rows
from ml.data.split import COLUMNS
from ml.errors import UserError
from ml.support.disk import check_can_be_written

SEED = 20180704
MAX_GROUP = 30
UNSEEN_PARTS = ("test", "test", "test", "4", "4")
OTHER_PARTS = ("0", "1", "2", "3")


def group_images(lesions: Sequence[str | None], duplicates: Sequence[tuple[int, int]]) -> npt.NDArray[np.int64]:
    """Group numbers (N,), in order of first appearance, joining equal lesion ids and near-duplicate pairs."""
    first_of_lesion: dict[str, int] = {}
    edges = list(duplicates)
    for index, lesion in enumerate(lesions):
        if lesion is not None:
            edges.append((first_of_lesion.setdefault(lesion, index), index))
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(lesions), len(lesions)))
    labels = connected_components(graph, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def assign_folds(
    labels: npt.NDArray[np.int64], groups: npt.NDArray[np.int64], unseen: npt.NDArray[np.bool_]
) -> list[str]:
    """The fold of each image: ``test`` and ``4`` from groups wholly unseen, ``0`` to ``3`` from the rest."""
    seen = np.isin(groups, np.unique(groups[~unseen]))
    folds = np.empty(len(labels), dtype=object)
    for members, parts in ((~seen, UNSEEN_PARTS), (seen, OTHER_PARTS)):
        splitter = StratifiedGroupKFold(len(parts), shuffle=True, random_state=SEED)
        indices = np.flatnonzero(members)
        for part, (_, held_out) in zip(parts, splitter.split(indices, labels[indices], groups[indices]), strict=True):
            folds[indices[held_out]] = part
    return [str(fold) for fold in folds]


def make_split(records: Sequence[Record], unseen_ids: frozenset[str]) -> list[tuple[str, str, str]]:
    """Rows (image, group, fold) in the order of ``records``. Raises ``UserError`` if a group is implausibly large."""
    unknown = unseen_ids - {record.image_id for record in records}
    if unknown:
        raise UserError(f"the unseen list names {min(unknown)}, which is not in the data; give the list that fits")
    pairs = list(find_near_duplicates(hash_images([record.path for record in records])))
    groups = group_images([record.lesion_id for record in records], pairs)
    largest = Counter(groups.tolist()).most_common(1)[0][1]
    if largest > MAX_GROUP:
        raise UserError(f"a group has {largest} images, over {MAX_GROUP}; lower the distance of near-duplicates")
    labels = np.array([record.label for record in records])
    unseen = np.array([record.image_id in unseen_ids for record in records])
    folds = assign_folds(labels, groups, unseen)
    return [
        (record.image_id, f"G{group:05d}", fold) for record, group, fold in zip(records, groups, folds, strict=True)
    ]


def main(options: argparse.Namespace) -> int:
    """Write the split and, beside it, its SHA-256."""
    check_can_be_written(options.out, not_over=(options.unseen,))
    unseen = frozenset(row["image"] for _, row in read_rows(options.unseen, ("image",)))
    rows = make_split(read_isic(options.data).records, unseen)
    with options.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    options.out.with_suffix(".sha256").write_text(f"{hash_file(options.out)}  {options.out.name}\n", encoding="utf-8")
    print(dict(sorted(Counter(fold for _, _, fold in rows).items())))
    return 0
