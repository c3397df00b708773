"""``eda_report``: thin, and honest about what it needs."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ml.reports.eda.__main__ import main
from tests.classifier.management.test_training_commands import manage_without_torch


def test_help_needs_no_pandas_and_without_it_the_remedy_is_one_line() -> None:
    assert "--data" in manage_without_torch("eda_report", "--help").stdout


def test_bad_input_is_one_line_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="no such directory") as caught:
        call_command("eda_report", data=tmp_path / "none", out=tmp_path / "eda")
    assert caught.value.returncode == 2
    assert main(["--data", str(tmp_path / "none"), "--out", str(tmp_path / "eda")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_no_worker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--workers 0"):
        call_command("eda_report", data=tmp_path, workers=0)
