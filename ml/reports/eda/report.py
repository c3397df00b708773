"""Data exploration: measure every image, draw the figures, write the page and its numbers."""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from ml.data.isic import read_isic
from ml.data.masks import list_masks
from ml.data.split import SPLIT_SHA256, TEST, hash_data, read_split
from ml.errors import UserError
from ml.reports.destination import check_destination
from ml.reports.eda import agreement
from ml.reports.eda.appearance import describe_appearance, describe_shapes
from ml.reports.eda.augmentation import describe_augmentation
from ml.reports.eda.duplicates import describe_duplicates, list_pairs
from ml.reports.eda.galleries import describe_pictures
from ml.reports.eda.measures import measure_all
from ml.reports.eda.page import Page, Section, write_page
from ml.reports.eda.population import describe_classes, describe_patients
from ml.reports.eda.shortcuts import describe_artefacts
from ml.reports.eda.table import build_table

PAGE, NUMBERS, CACHE = "index.html", "numbers.json", "cache"
CREDIT = (
    "Photographs, labels and masks: HAM10000 / ISIC 2018 Task 3, ViDIR Group, Department of Dermatology, Medical "
    "University of Vienna; Tschandl, Rosendahl, Kittler, Sci Data 5:180161 (2018); CC BY-NC 4.0."
)


def write_report(data: Path, out: Path, *, workers: int = 2, publish: bool = False, progress: bool = True) -> Path:
    """Write ``index.html``, its figures and ``numbers.json`` to ``out``; returns the page's path.

    Measures are cached in ``out/cache``. Raises ``UserError`` for data that cannot be read.
    """
    dataset, folds = read_isic(data), read_split().fold_of
    if all(folds.get(record.image_id) == TEST for record in dataset.records):
        raise UserError(f"{data}: contains only the test fold, which is not explored; give the training folds too")
    data_sha256 = hash_data(dataset.records)
    check_destination(out, agreement.LABELS.parent, data_sha256, data, publish=publish)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out}: cannot be made ({error.strerror}); choose another --out") from error
    measures = measure_all(list(dataset.records), list_masks(data), out / CACHE, workers=workers, progress=progress)
    table = build_table(dataset, measures, folds)
    labels = agreement.read_labels()
    if out.resolve() != agreement.LABELS.parent:
        shutil.copy(agreement.LABELS, out)
    files = {record.image_id: record.path for record in dataset.records}
    pairs = list_pairs(measures, table, {record.image_id: record.lesion_id for record in dataset.records})
    numbers: dict[str, Any] = {
        "split_sha256": SPLIT_SHA256,
        "data_sha256": data_sha256,
        "pictures": len(table),
        "in_test_fold": len(files) - len(table),
    }
    sections = [
        describe_classes(table, out, numbers),
        describe_patients(table, out, numbers),
        describe_appearance(table, out, numbers),
        describe_shapes(table, out, numbers),
        describe_artefacts(table, measures=measures, labels=labels, files=files, out=out, numbers=numbers),
        describe_duplicates(pairs, table, out, numbers),
        describe_pictures(table, out, numbers, progress=progress),
        describe_augmentation(table, out, numbers),
    ]
    write_page(_assemble(table, numbers, sections), out / PAGE)
    (out / NUMBERS).write_text(json.dumps(_round(numbers), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return out / PAGE


def _assemble(table: pd.DataFrame, numbers: dict[str, Any], sections: list[Section]) -> Page:
    malignant = float(table["malignant"].mean())
    return Page(
        title="What is in the training pictures",
        lead="The pictures of ISIC 2018 Task 3 (HAM10000) outside the test fold: who and what they show, how they "
        "look, and what "
        "a network could learn from them by mistake. Every number is computed from the data by python "
        "-m ml eda; all of them are in numbers.json beside this page.",
        tiles=[
            (f"{len(table):,}", "pictures explored"),
            (f"{table['lesion'].nunique():,}", "lesions"),
            (f"{table['class'].nunique()}", "classes"),
            (f"{malignant:.0%}", "of the pictures malignant"),
            (f"{numbers['in_test_fold']:,}", "pictures of the test fold left unread"),
        ],
        sections=sections,
        files=[(NUMBERS, "the numbers, as JSON"), (agreement.LABELS.name, "labels of artefacts, both passes")],
        credit=CREDIT,
    )


def _round(value: Any) -> Any:
    """Round to four significant digits, so that the file is short and the same on every machine."""
    if isinstance(value, dict):
        return {str(key): _round(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_round(each) for each in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main(options: argparse.Namespace) -> int:
    """Write the report and print the page's path."""
    if options.workers < 1:
        raise UserError(f"--workers {options.workers}: must be 1 at least")
    out = agreement.LABELS.parent if options.publish else options.out
    print(write_report(options.data, out, workers=options.workers, publish=options.publish))
    return 0
