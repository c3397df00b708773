"""The frozen split of ISIC 2018 Task 3, read once and checked against its hash; ``make_split`` makes others."""

import csv
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType

from ml.bundle.hashing import hash_file
from ml.data.isic import Record, hash_records
from ml.data.rows import read_rows
from ml.errors import UserError
from ml.support.disk import Stamp, stamp_file

SPLIT_FILE = Path(__file__).parent / "splits" / "isic2018_task3.csv"
HASHES_FILE = SPLIT_FILE.with_suffix(".hashes.npy")
"""Perceptual hashes (N,) of the images, in the order of the split."""
EXCLUSIONS_SUFFIX = ".exclusions.csv"
COLUMNS = ("image", "group", "fold")
TEST, CALIBRATION_FOLD = "test", "4"
TRAINING_FOLDS = ("0", "1", "2", "3")
"""Folds that the shipped network has learnt; it has seen neither the calibration fold nor the test fold."""
OPEN_FOLDS = (*TRAINING_FOLDS, CALIBRATION_FOLD)
"""All folds but the test fold."""
FOLDS = (TEST, *OPEN_FOLDS)
SPLIT_SEED = 2018
"""Default seed of a split that is made."""
IMAGE_ID = re.compile(r"ISIC_\d{7}")

SPLIT_SHA256 = SPLIT_FILE.with_suffix(".sha256").read_text(encoding="utf-8").split()[0]
"""SHA-256 of the committed split, recorded by every run and every bundle."""


@dataclass(frozen=True, eq=False)
class Split:
    """Fold (one of ``FOLDS``) and group (lesions joined with near-duplicates) by image id, in file order.

    ``excluded`` has, by image id, the reason for leaving an image out of training, found after the split was frozen.
    No exclusion moves an image between folds or out of the test fold. A reason that names images of the test fold
    means that they show the same lesion.
    """

    fold_of: Mapping[str, str]
    group_of: Mapping[str, str]
    excluded: Mapping[str, str]

    @cached_property
    def shown_again(self) -> frozenset[str]:
        """Images of the test fold whose lesion also occurs in another fold under another id.

        They are named by reasons of exclusion, or share a group.
        """
        named = {image_id for reason in self.excluded.values() for image_id in IMAGE_ID.findall(reason)}
        groups = {self.group_of[image_id] for image_id in named if self.fold_of.get(image_id) == TEST}
        return frozenset(image_id for image_id, group in self.group_of.items() if group in groups)

    def is_trained_on(self, image_id: str, folds: Collection[str] = TRAINING_FOLDS) -> bool:
        """Whether an image belongs to these folds and is not excluded from training."""
        return self.fold_of.get(image_id) in folds and image_id not in self.excluded


def read_split(path: Path = SPLIT_FILE) -> Split:
    """Read a split from a file; it is cached in the process while the file is unchanged.

    ``NAME.sha256`` beside it has its hash; ``NAME.exclusions.csv``, if present, the excluded images. Raises
    ``UserError`` if the hash differs, or for an exclusion that is repeated, of the test fold, or not in the split.
    """
    exclusions = path.with_suffix(EXCLUSIONS_SUFFIX)
    return parse_split(
        path, exclusions, tuple(stamp_file(file) for file in (path, path.with_suffix(".sha256"), exclusions))
    )


def select_folds(records: Iterable[Record], folds: Collection[str]) -> list[Record]:
    """The records of these folds of the frozen split, in order; raises ``UserError`` if there are none."""
    fold_of, wanted = read_split().fold_of, set(folds)
    chosen = [record for record in records if fold_of.get(record.image_id) in wanted]
    if not chosen:
        raise UserError(f"no image of fold {', '.join(folds)} is there; give the data of ISIC 2018 Task 3")
    return chosen


def hash_data(records: Iterable[Record]) -> str:
    """``hash_records`` of folds 0 to 4, which identifies the data of a result; the test fold is not opened."""
    fold_of = read_split().fold_of
    return hash_records(record for record in records if fold_of.get(record.image_id, TEST) != TEST)


@lru_cache(maxsize=4)
def parse_split(path: Path, exclusions: Path, _: tuple[Stamp | None, ...]) -> Split:
    """The cached part of ``read_split``, keyed by the files and their state."""
    expected = path.with_suffix(".sha256").read_text(encoding="utf-8").split()[0]
    if hash_file(path) != expected:
        raise UserError(f"{path}: does not hash to {expected}; the split is frozen: restore the committed file")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    fold_of = {row["image"]: row["fold"] for row in rows}
    group_of = {row["image"]: row["group"] for row in rows}
    excluded = _read_exclusions(exclusions, fold_of) if exclusions.exists() else {}
    return Split(*(MappingProxyType(values) for values in (fold_of, group_of, excluded)))


def _read_exclusions(path: Path, fold_of: Mapping[str, str]) -> dict[str, str]:
    excluded: dict[str, str] = {}
    for line, row in read_rows(path, ("image", "reason")):
        image_id = row["image"]
        if image_id not in fold_of:
            raise UserError(f"{path}, line {line}: {image_id} is not in the split; correct the name")
        if fold_of[image_id] == TEST:
            raise UserError(
                f"{path}, line {line}: {image_id} is of the test fold, which must not change; remove the row"
            )
        if image_id in excluded or not row["reason"]:
            raise UserError(f"{path}, line {line}: {image_id} needs one row with a reason; correct the row")
        excluded[image_id] = row["reason"]
    return excluded
