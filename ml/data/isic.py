"""The official layout of ISIC 2018 Task 3, read and checked.

Source: https://challenge.isic-archive.com/data/#2018; HAM10000's metadata: Tschandl et al., Sci Data 5:180161 (2018).
"""

import csv
import zipfile
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ml.errors import UserError
from ml.taxonomy import CLASSES

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
METADATA_COLUMNS = ("lesion_id", "image_id", "dx_type", "age", "sex", "localization")

Table = Path | zipfile.Path
"""A CSV file, or one inside a zip."""


@dataclass(frozen=True, slots=True)
class Record:
    """One labelled image. ``label`` indexes ``ml.taxonomy.CLASSES``; what a data set does not tell is ``None``."""

    image_id: str
    path: Path
    label: int
    lesion_id: str | None = None
    age: float | None = None
    sex: str | None = None
    site: str | None = None
    confirmation: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """The records of one directory, ordered by image id, and the ground-truth file that labels them."""

    records: tuple[Record, ...]
    ground_truth: Path


def read_isic(directory: Path) -> Dataset:
    """Read ``*_Training_Input/``, ``*_GroundTruth.csv`` and, when there, ``*_LesionGroupings.csv`` and HAM10000's
    metadata. Images are matched by name and not opened.

    Raises ``UserError`` naming the file for anything missing, doubled or inconsistent.
    """
    if not directory.is_dir():
        raise UserError(
            f"{directory}: no such directory; give the one that holds *_Training_Input and *_GroundTruth.csv"
        )
    images = find_images(_find_one(directory, "*_Training_Input"))
    truth_path = _find_one(directory, "*_GroundTruth.csv")
    labels = read_ground_truth(truth_path)
    _check_same_images(images, labels, truth_path)
    groupings = _read_groupings_of(directory, labels)
    metadata = _read_ham10000(directory)
    records = []
    for image_id in sorted(labels):
        row, grouping = metadata.get(image_id, {}), groupings.get(image_id, {})
        records.append(
            Record(
                image_id=image_id,
                path=images[image_id],
                label=labels[image_id],
                lesion_id=grouping.get("lesion_id") or row.get("lesion_id") or None,
                age=_parse_age(row.get("age", ""), image_id),
                sex=_known(row.get("sex")),
                site=_known(row.get("localization")),
                confirmation=row.get("dx_type") or grouping.get("diagnosis_confirm_type") or None,
            )
        )
    return Dataset(tuple(records), truth_path)


def find_images(directory: Path, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> dict[str, Path]:
    """Image files of a directory by their name without suffix; raises ``UserError`` if there are none, or two."""
    if not directory.is_dir():
        raise UserError(f"{directory}: no such directory; give the one that holds the images")
    found: dict[str, Path] = {}
    for path in sorted(directory.iterdir()):
        if path.suffix.lower() not in suffixes:
            continue
        if path.stem in found:
            raise UserError(f"{directory}: {path.stem} is there twice ({found[path.stem].name}, {path.name}); keep one")
        found[path.stem] = path
    if not found:
        raise UserError(f"{directory}: holds no image ({', '.join(suffixes)})")
    return found


def read_ground_truth(path: Table, *, faults: dict[str, str] | None = None) -> dict[str, int]:
    """Labels by image id from the one-hot columns, which are found by name, so that their order does not matter.

    A row that is no label is a ``UserError``; with ``faults``, what is wrong with it goes there by image id.
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
        marks = [float(row[code]) for code in CLASSES]
    except ValueError:
        raise UserError(f"{place}: a label of {row['image']} is not a number; use 1.0 and 0.0") from None
    if sorted(marks) != [0.0] * (len(CLASSES) - 1) + [1.0]:
        raise UserError(f"{place}: {row['image']} is not one-hot; set one of {','.join(CLASSES)} to 1.0")
    return marks.index(1.0)


def read_lesion_groupings(path: Table) -> dict[str, dict[str, str]]:
    """Rows by image id: ``lesion_id``, and how the diagnosis was confirmed where the file tells."""
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


def _read_groupings_of(directory: Path, labels: dict[str, int]) -> dict[str, dict[str, str]]:
    path = _find_at_most_one(directory, "*_LesionGroupings.csv")
    if path is None:
        return {}
    rows = read_lesion_groupings(path)
    ungrouped = sorted(labels.keys() - rows.keys())
    if ungrouped:
        raise UserError(f"{path}: no lesion for {_name_some(ungrouped)}; add the rows or remove the file")
    return rows


def _read_ham10000(directory: Path) -> dict[str, dict[str, str]]:
    path = _find_at_most_one(directory, "HAM10000_metadata*")
    return {} if path is None else read_metadata(path)


def read_metadata(path: Table, *, also: tuple[str, ...] = ()) -> dict[str, dict[str, str]]:
    """HAM10000's rows by image id, with the columns ``METADATA_COLUMNS`` and ``also``."""
    return {row["image_id"]: row for _, row in read_rows(path, (*METADATA_COLUMNS, *also))}


def read_rows(path: Table, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Rows with their line numbers, between commas or (Dataverse's .tab) tabs; ``columns`` must be there and filled."""
    try:
        with path.open("r", newline="", encoding="utf-8-sig") as file:
            lines = iter(file)
            first = next(lines, "")
            reader = csv.DictReader(chain([first], lines), delimiter="\t" if "\t" in first else ",")
            header = reader.fieldnames or []
            missing = [column for column in columns if column not in header]
            if missing:
                raise UserError(
                    f"{path}: column {', '.join(missing)} is missing; the header must have {','.join(columns)}"
                )
            rows = []
            for row in reader:
                if any(row[column] is None for column in columns):
                    raise UserError(f"{path}, line {reader.line_num}: too few fields; fill {','.join(columns)}")
                rows.append((reader.line_num, row))
            return rows
    except (OSError, UnicodeDecodeError, csv.Error, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error}); give a UTF-8 file with commas") from error


def _find_one(directory: Path, pattern: str) -> Path:
    found = _find_at_most_one(directory, pattern)
    if found is None:
        raise UserError(f"{directory}: no {pattern} here; give the directory in the official ISIC 2018 Task 3 layout")
    return found


def _find_at_most_one(directory: Path, pattern: str) -> Path | None:
    found = sorted(directory.glob(pattern))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise UserError(f"{directory}: several {pattern} ({names}); keep one")
    return found[0] if found else None


def _parse_age(text: str, image_id: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise UserError(f"HAM10000 metadata: age {text!r} of {image_id} is not a number; leave it empty") from None


def _known(text: str | None) -> str | None:
    return None if text in (None, "", "unknown") else text
