"""The log of the test fold: every reading of it goes through here and leaves a line in ``docs/test-fold-log.csv``."""

import csv
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ml.data.isic import Record, read_isic
from ml.errors import UserError
from ml.evaluation.study_folder import (
    TEST,
    Calibration,
    FloatArray,
    Measured,
    StudyFolder,
    measure_folder,
    read_test_truth,
)

Predict = Callable[[Path, Sequence[Record]], FloatArray]
"""What the model of a study folder says of images: scores (N, 7) under the prior of its training."""

TEST_FOLD_LOG = Path(__file__).parents[2] / "docs" / "test-fold-log.csv"
LOG_COLUMNS = ("date", "bundle_sha256", "balanced_accuracy", "images", "why")
"""``bundle_sha256``: of the bundle, or of a study model's weights."""


def append_to_log(log: Path, *, sha256: str, balanced_accuracy: float, images: int, why: str) -> None:
    """Add the line of one reading; raises ``UserError`` where the log cannot be written."""
    check_can_be_written(log)
    is_new = not log.exists()
    with log.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(LOG_COLUMNS)
        writer.writerow((datetime.now(UTC).date().isoformat(), sha256, f"{balanced_accuracy:.4f}", images, why))


def find_readings(log: Path, sha256: str) -> list[dict[str, str]]:
    """The lines of the log that tell of a reading by this bundle or these weights."""
    if not log.exists():
        return []
    with log.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["bundle_sha256"] == sha256]


def check_can_be_written(path: Path, *, not_over: Iterable[Path | None] = ()) -> None:
    """Raise ``UserError`` before minutes of work whose result could not be kept, or would lie over what is read."""
    for read in not_over:
        if read is not None and path.exists() and read.exists() and path.samefile(read):
            raise UserError(f"{path}: is read here, and would be written over; give another file")
    target = path if path.exists() else path.parent
    if path.is_dir() or not path.parent.is_dir() or not os.access(target, os.W_OK):
        raise UserError(f"{path}: cannot be written; give a file in a directory that exists and is writable.")


def measure_study_model(
    folder: StudyFolder,
    calibration: Calibration,
    *,
    data: Path,
    why: str,
    predict: Predict,
    log: Path = TEST_FOLD_LOG,
) -> Measured:
    """Measure a study model on the test fold, once: the second time is a ``UserError``. Its scores are asked of
    ``predict`` here and not kept; the reading is logged before it is handed out."""
    sha256 = str(folder.summary["sha256"])
    check_can_be_written(log)
    before = find_readings(log, sha256)
    if before:
        raise UserError(
            f"{log}: {folder.name} read the test fold on {before[0]['date']} with these weights, and a study model does"
            " so once; restore its results file"
        )
    truth = read_test_truth(data)
    records = [record for record in read_isic(data).records if record.image_id in truth.labels]
    scores = predict(folder.path, records)
    read = replace(
        folder,
        images=tuple(record.image_id for record in records),
        folds=(TEST,) * len(records),
        log_scores=np.log(np.maximum(scores, np.finfo(np.float64).tiny)),
    )
    measured = measure_folder(read, truth, calibration, test=True)
    figures = measured.figures
    append_to_log(
        log,
        sha256=sha256,
        balanced_accuracy=figures["metrics"]["balanced_accuracy"][0],
        images=figures["images"],
        why=f"study, {folder.name}: {why}",
    )
    return measured
