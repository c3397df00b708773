"""The log of the test fold: every reading of it goes through here and leaves a line in ``docs/test-fold-log.csv``."""

import csv
import os
from datetime import UTC, datetime
from pathlib import Path

from ml.errors import UserError
from ml.evaluation.study_folder import Calibration, Measured, StudyFolder, measure_folder, read_test_truth

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


def check_can_be_written(path: Path) -> None:
    """Raise ``UserError`` before minutes of work whose result could not be kept."""
    target = path if path.exists() else path.parent
    if path.is_dir() or not path.parent.is_dir() or not os.access(target, os.W_OK):
        raise UserError(f"{path}: cannot be written; give a file in a directory that exists and is writable.")


def measure_study_model(
    folder: StudyFolder, calibration: Calibration, *, data: Path, why: str, log: Path = TEST_FOLD_LOG
) -> Measured:
    """Measure a study model on the test fold, once: the second time is a ``UserError``. Logs before it hands out."""
    sha256 = str(folder.summary["sha256"])
    check_can_be_written(log)
    before = find_readings(log, sha256)
    if before:
        raise UserError(
            f"{log}: {folder.name} read the test fold on {before[0]['date']} with these weights, and a study model does"
            " so once; restore its results file"
        )
    measured = measure_folder(folder, read_test_truth(data), calibration, test=True)
    figures = measured.figures
    append_to_log(
        log,
        sha256=sha256,
        balanced_accuracy=figures["metrics"]["balanced_accuracy"][0],
        images=figures["images"],
        why=f"study, {folder.name}: {why}",
    )
    return measured
