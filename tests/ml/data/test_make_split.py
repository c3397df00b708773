"""How the split was made."""

from pathlib import Path

import numpy as np
import pytest

from ml.__main__ import main
from ml.bundle.hashing import hash_file
from ml.data.make_split import assign_folds, group_images
from ml.data.split import read_split
from tests.ml.tiny_isic import write_rows, write_tiny_isic


def test_groups_join_lesions_and_near_duplicates_transitively() -> None:
    # a-a by lesion, a-b by duplicate, c with a lesion of its own, one without lesion that duplicates c.
    groups = group_images(["a", "c", "a", "b", None, None], [(2, 3), (1, 4)])
    assert groups.tolist() == [0, 1, 0, 0, 1, 2]


def test_only_groups_wholly_unseen_are_tested_or_calibrated_on() -> None:
    labels = np.arange(280) % 7
    groups = np.arange(280) // 14 * 7 + np.arange(280) % 7  # pairs of one class
    unseen = np.arange(280) < 140
    unseen[0] = False  # its group straddles
    folds = assign_folds(labels, groups, unseen)
    held_out = {index for index, fold in enumerate(folds) if fold in ("test", "4")}
    assert held_out == {index for index in range(140) if groups[index] != groups[0]}
    assert folds == assign_folds(labels, groups, unseen), "the same input gives the same folds"
    for group in range(140):
        assert len({fold for fold, its in zip(folds, groups, strict=True) if its == group}) <= 1


@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")
def test_the_command_writes_a_split_and_its_hash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_tiny_isic(tmp_path / "isic", per_class={"0": 9})
    names = sorted(path.stem for path in (data / "ISIC2018_Task3_Training_Input").iterdir())
    unseen, out = tmp_path / "unseen.csv", tmp_path / "split.csv"
    write_rows(unseen, ("image",), [(name,) for name in names[:35]])
    assert main(["make-split", "--data", str(data), "--unseen", str(unseen), "--out", str(out)]) == 0
    assert sorted(read_split(out).fold_of) == names
    assert len(set(read_split(out).group_of.values())) == len(names)
    assert {name for name, fold in read_split(out).fold_of.items() if fold in ("test", "4")} == set(names[:35])
    assert out.with_suffix(".sha256").read_text(encoding="utf-8").split() == [hash_file(out), "split.csv"]


def test_an_unseen_list_of_other_images_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_tiny_isic(tmp_path / "isic", per_class={"0": 1})
    unseen = tmp_path / "unseen.csv"
    write_rows(unseen, ("image",), [("ISIC_1",)])
    assert main(["make-split", "--data", str(data), "--unseen", str(unseen), "--out", str(tmp_path / "split.csv")]) == 2
    assert "names ISIC_1, which is not in the data" in capsys.readouterr().err
    assert not (tmp_path / "split.csv").exists()
