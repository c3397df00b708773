"""The log of the test fold: every evaluation on it is recorded in ``docs/test-fold-log.csv``."""

import csv
from datetime import UTC, datetime
from pathlib import Path

from ml.support.disk import check_can_be_written

TEST_FOLD_LOG = Path(__file__).parents[2] / "docs" / "test-fold-log.csv"
LOG_COLUMNS = ("date", "bundle_sha256", "balanced_accuracy", "images", "why")
"""``bundle_sha256`` is that of the bundle, or of a study model's weights."""


def append_to_log(log: Path, *, sha256: str, balanced_accuracy: float, images: int, why: str) -> None:
    """Append one evaluation to the log; raises ``UserError`` if the log cannot be written."""
    check_can_be_written(log)
    is_new = not log.exists()
    with log.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(LOG_COLUMNS)
        writer.writerow((datetime.now(UTC).date().isoformat(), sha256, f"{balanced_accuracy:.4f}", images, why))


def find_readings(log: Path, sha256: str) -> list[dict[str, str]]:
    """Entries of the log for a bundle or weights."""
    if not log.exists():
        return []
    with log.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["bundle_sha256"] == sha256]
