"""Tables of a data set: read from any layout, checked against each other, written in the official one."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml.data.isic import (
    MAX_AGE,
    METADATA_COLUMNS,
    parse_age,
    read_ground_truth,
    read_lesion_groupings,
    read_metadata,
)
from ml.data.prepare.layouts import GROUND_TRUTH, GROUPINGS, METADATA, Layout
from ml.data.rows import fill_in
from ml.support.disk import writing
from ml.taxonomy import CLASSES

DX_CODES = {code.lower(): label for label, code in enumerate(CLASSES)}
CONFIRMATIONS = {
    "histo": "histopathology",
    "follow_up": "serial imaging showing no change",
    "consensus": "single image expert consensus",
    "confocal": "confocal microscopy with consensus dermoscopy",
}
"""Official name of each of HAM10000's ``dx_type``."""
SEXES = ("male", "female")

Rows = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Tables:
    """By image id: labels (indices of ``CLASSES``), rows of the lesion groupings, rows of HAM10000's metadata."""

    labels: dict[str, int]
    groupings: Rows
    metadata: Rows


def read_tables(layout: Layout, faults: dict[str, str]) -> Tables:
    """Read all tables; labels and lesions fall back to the metadata.

    An invalid label of one image goes to ``faults``; an unreadable table raises ``UserError``.
    """
    metadata = {} if layout.metadata is None else read_metadata(layout.metadata, also=("dx",))
    if layout.ground_truth is not None:
        labels = read_ground_truth(layout.ground_truth, faults=faults)
    else:
        labels = {image_id: DX_CODES[row["dx"]] for image_id, row in metadata.items() if row["dx"] in DX_CODES}
    groupings = {} if layout.groupings is None else read_lesion_groupings(layout.groupings)
    if layout.groupings is None:
        groupings = {image_id: _make_grouping(image_id, row) for image_id, row in metadata.items()}
    return Tables(labels, groupings, metadata)


def _make_grouping(image_id: str, row: dict[str, str]) -> dict[str, str]:
    confirmation = CONFIRMATIONS.get(row["dx_type"], row["dx_type"])
    return {"image": image_id, "lesion_id": row["lesion_id"], "diagnosis_confirm_type": confirmation}


def check_tables(tables: Tables) -> dict[str, str]:
    """Inconsistencies by image id.

    A label, lesion or confirmation that differs between tables, a lesion with two diagnoses, an impossible age, sex or
    confirmation.
    """
    faults = _find_lesions_of_two_diagnoses(tables)
    for image_id, row in tables.metadata.items():
        problem = _find_problem(row, tables.labels.get(image_id), tables.groupings.get(image_id))
        if problem is not None:
            faults[image_id] = f"{problem} in {METADATA}; correct the row"
    if tables.groupings:
        for image_id in tables.labels.keys() - tables.groupings.keys():
            faults[image_id] = f"has no lesion in {GROUPINGS} or {METADATA}; add the row"
    return faults


def _find_problem(row: dict[str, str], label: int | None, grouping: dict[str, str] | None) -> str | None:
    if row["dx"] not in DX_CODES:
        return f"dx is {row['dx']!r}, not one of {', '.join(DX_CODES)}"
    if label is not None and DX_CODES[row["dx"]] != label:
        return f"dx is {row['dx']!r}, but its label {CLASSES[label]},"
    if row["dx_type"] not in CONFIRMATIONS:
        return f"dx_type is {row['dx_type']!r}, not one of {', '.join(CONFIRMATIONS)}"
    if fill_in(row["sex"]) is not None and row["sex"].lower() not in SEXES:
        return f"sex is {row['sex']!r}, not one of {', '.join(SEXES)}, unknown"
    if not _is_age(row["age"]):
        return f"age is {row['age']!r}, not a number from 0 to {MAX_AGE} or empty,"
    return None if grouping is None else _find_difference(row, grouping)


def _find_difference(row: dict[str, str], grouping: dict[str, str]) -> str | None:
    if row["lesion_id"] != grouping["lesion_id"]:
        return f"lesion_id is {row['lesion_id']!r}, but {grouping['lesion_id']!r} in {GROUPINGS}, and this"
    confirmation = grouping.get("diagnosis_confirm_type")
    if confirmation and confirmation != CONFIRMATIONS[row["dx_type"]]:
        return f"dx_type is {row['dx_type']!r}, but {confirmation!r} in {GROUPINGS}, and this"
    return None


def _is_age(text: str) -> bool:
    try:
        parse_age(text)
    except ValueError:
        return False
    return True


def _find_lesions_of_two_diagnoses(tables: Tables) -> dict[str, str]:
    labels_of: dict[str, set[int]] = defaultdict(set)
    members: dict[str, list[str]] = defaultdict(list)
    for image_id, label in tables.labels.items():
        lesion = fill_in(tables.groupings.get(image_id, {}).get("lesion_id"))
        if lesion:
            labels_of[lesion].add(label)
            members[lesion].append(image_id)
    return {
        image_id: f"its lesion {lesion} has the diagnoses {', '.join(CLASSES[label] for label in sorted(labels))}; "
        "correct the label or the lesion"
        for lesion, labels in labels_of.items()
        if len(labels) > 1
        for image_id in members[lesion]
    }


def write_tables(directory: Path, tables: Tables, image_ids: Sequence[str]) -> None:
    """Write the rows of these images under the official names; a table without rows is not written."""
    truth = [(name, *(float(index == tables.labels[name]) for index in range(len(CLASSES)))) for name in image_ids]
    write_csv(directory / f"{GROUND_TRUTH}.csv", ("image", *CLASSES), truth)
    if tables.groupings:
        header = ("image", "lesion_id", "diagnosis_confirm_type")
        grouped = [[tables.groupings[name].get(column, "") for column in header] for name in image_ids]
        write_csv(directory / f"{GROUPINGS}.csv", header, grouped)
    if tables.metadata:
        columns = ("lesion_id", "image_id", "dx", *METADATA_COLUMNS[2:])
        known = [tables.metadata[name] for name in image_ids if name in tables.metadata]
        write_csv(directory / f"{METADATA}.csv", columns, [[row[column] for column in columns] for row in known])


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file; raises ``UserError`` if it cannot be written."""
    # A name that is not UTF-8 is written escaped.
    with writing(path), path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
