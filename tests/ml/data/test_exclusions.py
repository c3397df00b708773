"""The list of images that no training uses."""

import shutil
from pathlib import Path

import pytest

from ml.data.split import SPLIT_FILE, Split, read_split
from ml.errors import UserError
from tests.ml.tiny_isic import write_rows


def read_excluding(directory: Path, rows: list[tuple[str, str]]) -> Split:
    """The frozen split with other exclusions."""
    for suffix in (".csv", ".sha256"):
        shutil.copy(SPLIT_FILE.with_suffix(suffix), directory)
    write_rows(directory / f"{SPLIT_FILE.stem}.exclusions.csv", ("image", "reason"), rows)
    return read_split(directory / SPLIT_FILE.name)


def first_of(fold: str) -> str:
    return min(name for name, its in read_split().fold_of.items() if its == fold)


def test_the_committed_list_excludes_images_of_the_training_folds_only() -> None:
    folds = read_split().fold_of
    exclusions = read_split().excluded
    assert exclusions
    assert "test" not in {folds[image_id] for image_id in exclusions}
    assert all(reason for reason in exclusions.values())


def test_reasons_are_read_by_image(tmp_path: Path) -> None:
    assert read_excluding(tmp_path, [(first_of("0"), "blurred")]).excluded == {first_of("0"): "blurred"}


def test_eleven_lesions_of_the_test_fold_are_shown_again_and_all_their_images_are_named() -> None:
    folds, groups, shown = read_split().fold_of, read_split().group_of, read_split().shown_again
    assert {folds[image_id] for image_id in shown} == {"test"}
    assert len({groups[image_id] for image_id in shown}) == 11
    assert len(shown) == 12


def test_an_image_that_no_reason_names_is_not_shown_again(tmp_path: Path) -> None:
    rows = [(first_of("0"), f"like {first_of('1')}"), (first_of("2"), "blurred")]
    assert read_excluding(tmp_path, rows).shown_again == frozenset()


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([("ISIC_1", "x")], "line 2: ISIC_1 is not in the split"),
        ([(first_of("test"), "x")], "is of the test fold, which must not change"),
        ([(first_of("0"), "x"), (first_of("0"), "y")], "line 3: .* needs one row with a reason"),
        ([(first_of("0"), "")], "needs one row with a reason"),
    ],
)
def test_a_row_that_cannot_be_is_named(tmp_path: Path, rows: list[tuple[str, str]], problem: str) -> None:
    with pytest.raises(UserError, match=rf"exclusions\.csv, .*{problem}"):
        read_excluding(tmp_path, rows)
