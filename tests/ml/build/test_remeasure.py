"""The command that measures a bundle anew tells in one line what is wrong."""

from pathlib import Path

import pytest

from ml.__main__ import main
from ml.build.measure import round_figures


def fail(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["remeasure", *arguments]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    return told


def test_a_missing_data_directory_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert str(tmp_path / "none") in fail(capsys, "--data", str(tmp_path / "none"))


def test_one_kind_of_other_photographs_alone_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "go together" in fail(capsys, "--data", str(tmp_path), "--clinical", str(tmp_path))


def test_a_missing_bundle_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "No bundle" in fail(capsys, "--data", str(tmp_path), "--bundle", str(tmp_path))


def test_every_number_is_rounded() -> None:
    assert round_figures({"a": [0.123456, {"b": (1.0, 2)}], "c": None}) == {
        "a": [0.1235, {"b": [1.0, 2]}],
        "c": None,
    }
