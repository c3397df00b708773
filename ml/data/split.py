"""The one frozen split of ISIC 2018 Task 3, read and checked against its hash. How it was made: ``make_split``."""

import csv
import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path

from ml.bundle.hashing import hash_file
from ml.data.isic import Record
from ml.errors import UserError

SPLIT_FILE = Path(__file__).parent / "splits" / "isic2018_task3.csv"
HASHES_FILE = SPLIT_FILE.with_suffix(".hashes.npy")
"""Perceptual hashes (N,) of the images, in the order of the split; made by ``make_hashes``."""
COLUMNS = ("image", "group", "fold")
TEST = "test"
FOLDS = (TEST, "0", "1", "2", "3", "4")


SPLIT_SHA256 = SPLIT_FILE.with_suffix(".sha256").read_text(encoding="utf-8").split()[0]
"""What the committed split must hash to; every run and every bundle records it."""


def read_split(path: Path = SPLIT_FILE) -> dict[str, str]:
    """Fold (one of ``FOLDS``) by image id. Raises ``UserError`` if the file is not the one that was hashed."""
    return {row["image"]: row["fold"] for row in _read_rows(path)}


def read_groups(path: Path = SPLIT_FILE) -> dict[str, str]:
    """Group (lesion and near-duplicates, joined) by image id."""
    return {row["image"]: row["group"] for row in _read_rows(path)}


def select_folds(records: Iterable[Record], folds: Collection[str]) -> list[Record]:
    """The records of these folds of the frozen split, in their order; raises ``UserError`` where there is none."""
    split, wanted = read_split(), set(folds)
    chosen = [record for record in records if split.get(record.image_id) in wanted]
    if not chosen:
        raise UserError(f"no image of fold {', '.join(folds)} is there; give the data of ISIC 2018 Task 3")
    return chosen


def hash_data(records: Iterable[Record]) -> str:
    """SHA-256 over id, label and file of every record of folds 0 to 4: what tells whether figures are of the same
    data. The test fold's files are not opened."""
    split = read_split()
    digest = hashlib.sha256()
    for record in records:
        if split.get(record.image_id, TEST) != TEST:
            digest.update(f"{record.image_id} {record.label} {hash_file(record.path)}\n".encode())
    return digest.hexdigest()


def _read_rows(path: Path) -> list[dict[str, str]]:
    expected = path.with_suffix(".sha256").read_text(encoding="utf-8").split()[0]
    if hash_file(path) != expected:
        raise UserError(f"{path}: does not hash to {expected}; the split is frozen: restore the committed file")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
