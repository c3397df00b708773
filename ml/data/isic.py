"""Reader of the official layout of ISIC 2018 Task 3.

Source: https://challenge.isic-archive.com/data/#2018; HAM10000's metadata: Tschandl et al., Sci Data 5:180161 (2018).
"""

import hashlib
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from ml.bundle.hashing import hash_file
from ml.data.rows import IMAGE_SUFFIXES, Table, fill_in, read_rows
from ml.errors import UserError
from ml.support.disk import Stamp, stamp_file
from ml.taxonomy import CLASSES

METADATA_COLUMNS = ("lesion_id", "image_id", "dx_type", "age", "sex", "localization")
TABLE_SUFFIXES = ("", ".csv", ".tab", ".tsv", ".txt")
GROUND_TRUTH, GROUPINGS, METADATA = "*_GroundTruth", "*_LesionGroupings", "HAM10000_metadata*"
"""Names of the tables, without suffix."""
MAX_AGE = 120


@dataclass(frozen=True, slots=True)
class Record:
    """One labelled image; ``label`` indexes ``ml.taxonomy.CLASSES``, unknown fields are ``None``."""

    image_id: str
    path: Path
    label: int
    lesion_id: str | None = None
    age: float | None = None
    sex: str | None = None
    site: str | None = None
    confirmation: str | None = None

    @property
    def group(self) -> str:
        """The lesion, or the image itself if its lesion is unknown."""
        return self.lesion_id or self.image_id


@dataclass(frozen=True, slots=True)
class Dataset:
    """The records of one directory, ordered by image id, and their ground-truth file."""

    records: tuple[Record, ...]
    ground_truth: Path


def read_isic(directory: Path) -> Dataset:
    """Read a directory: ``*_Training_Input/``, ``*_GroundTruth.csv`` and, if present, further tables.

    These are ``*_LesionGroupings.csv`` and HAM10000's metadata; all may lie in a folder of their archive's name.
    Images are matched by name and not opened. The result is cached in the process while folder and tables are
    unchanged. Raises ``UserError`` naming the file for anything missing, duplicated or inconsistent.
    """
    if not directory.is_dir():
        raise UserError(
            f"{directory}: no such directory; give the one that holds *_Training_Input and *_GroundTruth.csv"
        )
    folder, truth_path = find_image_folder(directory), _find_one(directory, GROUND_TRUTH)
    sources = (folder, truth_path, find_table(directory, GROUPINGS), find_table(directory, METADATA))
    return parse_isic(*sources, tuple(path and stamp_file(path) for path in sources))


@lru_cache(maxsize=4)
def parse_isic(
    folder: Path, truth_path: Path, groupings_path: Path | None, metadata_path: Path | None, _: tuple[Stamp | None, ...]
) -> Dataset:
    """The cached part of ``read_isic``, keyed by the folder, the tables and their state."""
    images = find_images(folder)
    labels = read_ground_truth(truth_path)
    _check_same_images(images, labels, truth_path)
    groupings = {} if groupings_path is None else _read_groupings_of(groupings_path, labels)
    metadata = {} if metadata_path is None else read_metadata(metadata_path)
    records = []
    for image_id in sorted(labels):
        row, grouping = metadata.get(image_id, {}), groupings.get(image_id, {})
        records.append(
            Record(
                image_id=image_id,
                path=images[image_id],
                label=labels[image_id],
                lesion_id=fill_in(grouping.get("lesion_id")) or fill_in(row.get("lesion_id")),
                age=_parse_age(row.get("age", ""), image_id),
                sex=_lower(row.get("sex")),
                site=_lower(row.get("localization")),
                confirmation=fill_in(row.get("dx_type")) or fill_in(grouping.get("diagnosis_confirm_type")),
            )
        )
    return Dataset(tuple(records), truth_path)


def hash_records(records: Iterable[Record]) -> str:
    """SHA-256 of id, label and file of every record, in order."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(describe_content(record, hash_file(record.path)))
    return digest.hexdigest()


def describe_content(record: Record, sha256: str) -> bytes:
    """The line of a record in ``hash_records``, given its file's hash."""
    return f"{record.image_id} {record.label} {sha256}\n".encode()


def find_image_folder(directory: Path) -> Path:
    """The folder of the training images, which may be nested in a folder of the archive's name."""
    found = _list_visible(directory, "*_Training_Input")
    folders = [path for path in found if path.is_dir()]
    if not folders:
        raise UserError(
            f"{directory}: no *_Training_Input here; give the directory in the official ISIC 2018 Task 3 layout, or "
            "make one with python -m ml prepare"
        )
    if len(folders) > 1:
        names = ", ".join(path.name for path in folders)
        raise UserError(f"{directory}: several *_Training_Input ({names}); keep one")
    inner = folders[0] / folders[0].name
    return inner if inner.is_dir() else folders[0]


def find_images(directory: Path, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> dict[str, Path]:
    """Image files of a directory by name without suffix, without hidden ones.

    Raises ``UserError`` if there are none, two of one name, or one that is no regular file.
    """
    if not directory.is_dir():
        raise UserError(f"{directory}: no such directory; give the one that holds the images")
    found: dict[str, Path] = {}
    with os.scandir(directory) as entries:
        named = sorted((entry.name, entry.is_file()) for entry in entries if not entry.name.startswith("."))
    for name, is_file in named:
        path = directory / name
        if path.suffix.lower() not in suffixes:
            continue
        if not is_file:
            raise UserError(f"{path}: {name_no_file(path)}")
        if path.stem in found:
            raise UserError(f"{directory}: {path.stem} occurs twice ({found[path.stem].name}, {path.name}); keep one")
        found[path.stem] = path
    if not found:
        raise UserError(f"{directory}: holds no image ({', '.join(suffixes)})")
    return found


def name_no_file(path: Path) -> str:
    """Message and remedy for an image path that is no regular file."""
    if path.is_dir():
        return "is a folder under an image's name; put the image there, or remove it"
    return "leads to a file that is not there; copy the image there, or connect the disk that has it"


def read_ground_truth(path: Table, *, faults: dict[str, str] | None = None) -> dict[str, int]:
    """Labels by image id from the one-hot columns, which are found by name, so that their order does not matter.

    An invalid row raises ``UserError``, or goes to ``faults`` by image id if that is given.
    """
    labels: dict[str, int] = {}
    faulty: dict[str, str] = {}
    for line, row in read_rows(path, ("image", *CLASSES)):
        image_id = row["image"]
        try:
            if image_id in labels or image_id in faulty:
                raise UserError(f"{path}, line {line}: {image_id} is labelled twice; keep one row")
            labels[image_id] = _parse_label(row, f"{path}, line {line}")
        except UserError as error:
            if faults is None:
                raise
            labels.pop(image_id, None)
            faulty.setdefault(image_id, str(error))
    if faults is not None:
        faults.update(faulty)
    if not labels:
        raise UserError(f"{path}: no labelled image; add rows under the header")
    return labels


def _parse_label(row: dict[str, str], place: str) -> int:
    try:
        marks = [float(row[code].replace(",", ".")) for code in CLASSES]
    except ValueError:
        raise UserError(f"{place}: a label of {row['image']} is not a number; use 1.0 and 0.0") from None
    if sorted(marks) != [0.0] * (len(CLASSES) - 1) + [1.0]:
        raise UserError(f"{place}: {row['image']} is not one-hot; set one of {','.join(CLASSES)} to 1.0")
    return marks.index(1.0)


def read_lesion_groupings(path: Table) -> dict[str, dict[str, str]]:
    """Rows by image id: ``lesion_id``, and how the diagnosis was confirmed if the file has it."""
    return {row["image"]: row for _, row in read_rows(path, ("image", "lesion_id"))}


def _check_same_images(images: dict[str, Path], labels: dict[str, int], truth_path: Path) -> None:
    unlabelled = sorted(images.keys() - labels.keys())
    if unlabelled:
        raise UserError(f"{truth_path}: no label for {_name_some(unlabelled)}; add the rows or remove the images")
    absent = sorted(labels.keys() - images.keys())
    if absent:
        raise UserError(f"{truth_path}: no image file for {_name_some(absent)}; add the files or remove the rows")


def _name_some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _read_groupings_of(path: Path, labels: dict[str, int]) -> dict[str, dict[str, str]]:
    rows = read_lesion_groupings(path)
    ungrouped = sorted(labels.keys() - rows.keys())
    if ungrouped:
        raise UserError(f"{path}: no lesion for {_name_some(ungrouped)}; add the rows or remove the file")
    return rows


def read_metadata(path: Table, *, also: tuple[str, ...] = ()) -> dict[str, dict[str, str]]:
    """HAM10000's rows by image id, with the columns ``METADATA_COLUMNS`` and ``also``."""
    return {row["image_id"]: row for _, row in read_rows(path, (*METADATA_COLUMNS, *also))}


def _find_one(directory: Path, name: str) -> Path:
    found = find_table(directory, name)
    if found is None:
        raise UserError(
            f"{directory}: no {name}.csv here; give the directory in the official ISIC 2018 Task 3 layout, or make one "
            "with python -m ml prepare"
        )
    return found


def find_table(directory: Path, name: str) -> Path | None:
    """Find the table of that name pattern, here or in a folder of its archive's name.

    Among the challenge's three sets it is the training set's, among copies the first. Raises ``UserError`` if several
    remain.
    """
    start = f"{name.rstrip('*')}*"
    found = [*_list_visible(directory, start), *_list_visible(directory, f"{name}/{start}")]
    found = [path for path in found if path.suffix.lower() in TABLE_SUFFIXES and fnmatchcase(path.stem, name)]
    found = [path for path in found if path.is_file()]
    found = [path for path in found if "Training" in path.name] or found
    if len(found) > 1 and len({path.read_bytes() for path in found}) > 1:
        names = ", ".join(str(path.relative_to(directory)) for path in found)
        raise UserError(f"{directory}: several {name} ({names}); keep one")
    return found[0] if found else None


def _list_visible(directory: Path, pattern: str) -> list[Path]:
    """Matching paths without hidden files and those that macOS adds."""
    return [path for path in sorted(directory.glob(pattern)) if not path.name.startswith(".")]


def parse_age(text: str) -> float | None:
    """Age in years, or None if unknown. Raises ``ValueError`` for an impossible age."""
    if fill_in(text) is None:
        return None
    age = float(text.replace(",", "."))
    if not (math.isfinite(age) and 0 <= age <= MAX_AGE):
        raise ValueError(text)
    return age


def _parse_age(text: str, image_id: str) -> float | None:
    try:
        return parse_age(text)
    except ValueError:
        raise UserError(
            f"HAM10000_metadata: age {text!r} of {image_id} is not a number from 0 to {MAX_AGE}; correct it, or leave "
            "it empty"
        ) from None


def _lower(text: str | None) -> str | None:
    known = fill_in(text)
    return None if known is None else known.lower()
