"""The command that measures a bundle anew tells in one line what is wrong."""

import json
import shutil
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.build.measure import round_figures
from ml.bundle.folder import DEFAULT_BUNDLE


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


@pytest.mark.parametrize("more", [[], ["--refit"]])
def test_a_bundle_of_the_earlier_schema_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, more: list[str]
) -> None:
    path = Path(shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle"))
    manifest = path / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "schema_version": 2}))
    before = manifest.read_bytes()
    assert "of schema 2, new ones of schema 3; build" in fail(
        capsys, "--data", str(tmp_path), "--bundle", str(path), *more
    )
    assert manifest.read_bytes() == before


def test_every_number_is_rounded() -> None:
    assert round_figures({"a": [0.123456, {"b": (1.0, 2)}], "c": None}) == {
        "a": [0.1235, {"b": [1.0, 2]}],
        "c": None,
    }
