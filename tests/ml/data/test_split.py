"""The frozen split keeps its promises."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.bundle.hashing import hash_file
from ml.data.duplicates.near_duplicates import find_near_duplicates, hash_images
from ml.data.isic import Record, read_isic
from ml.data.split import FOLDS, SPLIT_FILE, SPLIT_SHA256, read_split, select_folds
from ml.errors import UserError
from ml.taxonomy import CLASSES
from tests.ml.tiny_isic import write_tiny_isic


@pytest.fixture(scope="module")
def records(data_dir: Path) -> tuple[Record, ...]:
    return read_isic(data_dir / "isic2018_task3").records


def test_the_file_is_the_one_that_was_frozen() -> None:
    assert SPLIT_SHA256 == "75cc0fbf1700570716f352739270b5eb7cb5d71a796c5564ab978b374858d883"
    assert hash_file(SPLIT_FILE) == SPLIT_SHA256


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    for path in (SPLIT_FILE, SPLIT_FILE.with_suffix(".sha256")):
        shutil.copy(path, tmp_path)
    changed = tmp_path / SPLIT_FILE.name
    assert read_split(changed).fold_of == read_split().fold_of
    changed.write_text(changed.read_text(encoding="utf-8").replace(",test", ",0", 1), encoding="utf-8")
    with pytest.raises(UserError, match="the split is frozen"):
        read_split(changed)


def test_folds_have_their_sizes() -> None:
    sizes = Counter(read_split().fold_of.values())
    assert set(sizes) == set(FOLDS)
    assert sum(sizes.values()) == 10015
    # Three fifths and two fifths of the 1,995 images in groups wholly unseen by the distilled weights.
    assert sizes["test"] + sizes["4"] == 1995
    assert sizes["test"] == pytest.approx(0.6 * 1995, abs=5)
    assert [sizes[fold] for fold in "0123"] == pytest.approx([8020 / 4] * 4, abs=5)


def test_no_group_is_in_two_folds_and_none_is_implausibly_large() -> None:
    folds, groups = read_split().fold_of, read_split().group_of
    of_group: dict[str, set[str]] = {}
    for image_id, group in groups.items():
        of_group.setdefault(group, set()).add(folds[image_id])
    assert {len(found) for found in of_group.values()} == {1}
    assert max(Counter(groups.values()).values()) <= 30


def test_no_lesion_is_in_two_folds(records: tuple[Record, ...]) -> None:
    folds = read_split().fold_of
    of_lesion: dict[str, set[str]] = {}
    for record in records:
        assert record.lesion_id is not None
        of_lesion.setdefault(record.lesion_id, set()).add(folds[record.image_id])
    assert {len(found) for found in of_lesion.values()} == {1}


def test_no_near_duplicates_are_in_two_folds(records: tuple[Record, ...]) -> None:
    folds = read_split().fold_of
    hashes = hash_images([record.path for record in records], progress=False)
    pairs = list(find_near_duplicates(hashes))
    across_lesions = [pair for pair in pairs if records[pair[0]].lesion_id != records[pair[1]].lesion_id]
    assert across_lesions, "the data has near-duplicates under different lesion ids"
    assert all(folds[records[one].image_id] == folds[records[other].image_id] for one, other in pairs)


def test_folds_are_stratified(records: tuple[Record, ...]) -> None:
    folds = read_split().fold_of
    counts = {fold: np.zeros(len(CLASSES)) for fold in FOLDS}
    for record in records:
        counts[folds[record.image_id]][record.label] += 1
    for fold in "123":
        np.testing.assert_allclose(counts[fold], counts["0"], atol=4)
    np.testing.assert_allclose(counts["4"] / counts["4"].sum(), counts["test"] / counts["test"].sum(), atol=0.01)


def test_a_fold_is_selected_and_one_of_which_nothing_is_there_is_told(tmp_path: Path) -> None:
    records = read_isic(write_tiny_isic(tmp_path / "data", per_class={"4": 1, "0": 1})).records
    chosen = select_folds(records, ("4",))
    assert len(chosen) == 7
    assert select_folds([*records, replace(records[0], image_id="ISIC_of_others")], "4") == chosen
    assert {read_split().fold_of[record.image_id] for record in chosen} == {"4"}
    with pytest.raises(UserError, match="no image of fold 2"):
        select_folds(records, ("2",))
