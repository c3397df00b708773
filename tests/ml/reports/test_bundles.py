"""Two bundles on one fold: a table, what is kept, and the log of the test fold."""

import csv
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.bundle.folder import DEFAULT_BUNDLE, Bundle
from ml.errors import UserError
from ml.reports import bundles
from tests.ml.tiny_isic import write_tiny_isic


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_tiny_isic(tmp_path / "data", per_class={"test": 1, "4": 1})


def test_the_table_has_both_and_their_difference(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare-bundles", str(DEFAULT_BUNDLE), str(DEFAULT_BUNDLE), "--data", str(data)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Fold 4: 7 images of 7 lesions.")
    assert "| new less old |" in printed
    for named in ("balanced accuracy", "log loss", "melanomas called *low risk*"):
        (row,) = [line for line in printed.splitlines() if line.startswith(f"| {named} |")]
        assert row.endswith("| +0.000 [+0.000, +0.000] |")


def test_what_was_read_is_kept(bundle: Bundle, data: Path, tmp_path: Path) -> None:
    def compare() -> dict[str, object]:
        return bundles.compare_bundles(bundle, bundle, data, fold="4", kept=tmp_path / "kept", progress=False)

    first = compare()
    for image in (data / "ISIC2018_Task3_Training_Input").iterdir():
        image.write_bytes(b"would be an error if it were read")
    assert compare() == first


def test_the_test_fold_needs_a_reason(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(DEFAULT_BUNDLE), str(DEFAULT_BUNDLE), "--data", str(data), "--fold", "test"]
    assert main(["compare-bundles", *arguments]) == 2
    told = capsys.readouterr().err
    assert "say why they are read (--why)" in told
    assert told.count("\n") == 1


def test_a_comparison_on_the_test_fold_is_logged_for_both_and_not_kept(
    bundle: Bundle, data: Path, tmp_path: Path
) -> None:
    log, kept = tmp_path / "log.csv", tmp_path / "kept"
    bundles.compare_bundles(
        bundle, bundle, data, fold="test", why="old against new", kept=kept, progress=False, log=log
    )
    with log.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["bundle_sha256"], row["why"]) for row in rows] == [(bundle.sha256, "old against new")] * 2
    assert not kept.exists()


def test_a_damaged_image_is_named(bundle: Bundle, data: Path) -> None:
    for image in (data / "ISIC2018_Task3_Training_Input").iterdir():
        image.write_bytes(b"no image")
    with pytest.raises(UserError, match=image.parent.name):
        bundles.compare_bundles(bundle, bundle, data, fold="4", progress=False)


def test_lesions_that_are_unknown_are_not_counted() -> None:
    assert bundles.describe_images({"images": 7, "lesions": None}) == "7 images, lesions unknown"
