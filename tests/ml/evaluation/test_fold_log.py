"""Every reading of the test fold leaves a line."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml.errors import UserError
from ml.evaluation.fold_log import LOG_COLUMNS, TEST_FOLD_LOG, append_to_log, find_readings


def test_a_reading_is_added_to_those_before(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    append_to_log(log, sha256="a" * 64, balanced_accuracy=0.5, images=10, why="first, with a comma")
    append_to_log(log, sha256="b" * 64, balanced_accuracy=0.25, images=10, why="second")
    with log.open(newline="") as file:
        rows = list(csv.reader(file))
    today = datetime.now(UTC).date().isoformat()
    assert rows == [
        list(LOG_COLUMNS),
        [today, "a" * 64, "0.5000", "10", "first, with a comma"],
        [today, "b" * 64, "0.2500", "10", "second"],
    ]


def test_a_model_finds_its_own_readings_only(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    assert find_readings(log, "a") == []
    append_to_log(log, sha256="a", balanced_accuracy=0.5, images=1, why="one")
    assert [row["why"] for row in find_readings(log, "a")] == ["one"]
    assert find_readings(log, "b") == []


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        append_to_log(tmp_path / "gone" / "log.csv", sha256="a", balanced_accuracy=0, images=0, why="")


def test_the_committed_log_has_the_columns() -> None:
    assert TEST_FOLD_LOG.read_text(encoding="utf-8").splitlines()[0] == ",".join(LOG_COLUMNS)
