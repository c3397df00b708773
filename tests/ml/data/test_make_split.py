"""A split of anybody's data keeps together what shows the same, and is the same every time."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.__main__ import main
from ml.bundle.hashing import hash_file
from ml.data.make_split import Labelled, assign_folds, group_images, make_split
from ml.data.split import FOLDS, read_split
from ml.errors import UserError
from tests.ml.tiny_isic import write_rows, write_tiny_isic


def test_groups_join_lesions_patients_and_near_duplicates_transitively() -> None:
    # 0, 2 by lesion; 2, 3 by duplicate; 1 has a lesion of its own; 4 without any key duplicates 1; 5 and 6 by patient.
    keys = [["a"], ["c"], ["a"], ["b"], [], ["d", "patient 1"], ["e", "patient 1"]]
    assert group_images(keys, [(2, 3), (1, 4)]).tolist() == [0, 1, 0, 0, 1, 2, 2]


def test_folds_are_even_in_size_and_classes_and_split_no_group() -> None:
    labels = ["common"] * 480 + ["rare"] * 120
    groups = np.arange(600) // 2  # pairs of one class
    folds = assign_folds(labels, groups)
    counts = Counter(zip(labels, folds, strict=True))
    assert all(counts["common", fold] == pytest.approx(80, abs=2) for fold in FOLDS)
    assert all(counts["rare", fold] == pytest.approx(20, abs=2) for fold in FOLDS)
    folds_of = defaultdict(set)
    for group, fold in zip(groups.tolist(), folds, strict=True):
        folds_of[group].add(fold)
    assert {len(found) for found in folds_of.values()} == {1}
    assert assign_folds(labels, groups) == folds
    assert assign_folds(labels, groups, seed=1) != folds


def test_a_class_of_too_few_lesions_is_named() -> None:
    with pytest.raises(UserError, match="class rare has 5 lesions"):
        assign_folds(["common"] * 60 + ["rare"] * 10, np.append(np.arange(60), 60 + np.arange(10) // 2))


def test_photographs_that_all_look_like_copies_are_no_data_set() -> None:
    images = [Labelled(f"I{number}", Path(), "x", (f"lesion {number}",)) for number in range(31)]
    with pytest.raises(UserError, match="31 images hang together"):
        make_split(images, np.zeros(31, np.uint64))


def test_the_command_splits_the_official_layout(tmp_path: Path) -> None:
    data, out = write_tiny_isic(tmp_path / "isic", per_class={"0": 9}), tmp_path / "split.csv"
    assert main(["make-split", "--data", str(data), "--out", str(out)]) == 0
    split = read_split(out)
    names = sorted(path.stem for path in (data / "ISIC2018_Task3_Training_Input").iterdir())
    assert list(split.fold_of) == names
    assert set(split.fold_of.values()) == set(FOLDS)
    assert split.excluded == {}
    assert out.with_suffix(".sha256").read_text(encoding="utf-8").split() == [hash_file(out), "split.csv"]
    assert np.load(out.with_suffix(".hashes.npy")).shape == (len(names),)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """24 pictures of noise, the last a copy of the first."""
    directory = tmp_path / "photographs"
    directory.mkdir()
    for number in range(24):
        pixels = np.random.default_rng(number % 23).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).resize((64, 64)).save(directory / f"p{number:02d}.png")
    return directory


def test_the_command_splits_a_table_of_other_classes_by_patient(photographs: Path, tmp_path: Path) -> None:
    table, out = tmp_path / "labels.csv", tmp_path / "split.csv"
    rows = [(f"p{number:02d}.png", "wart" if number % 2 else "mole", f"P{number // 2 % 11}") for number in range(24)]
    write_rows(table, ("image", "class", "patient"), rows)
    assert main(["make-split", "--table", str(table), "--images", str(photographs), "--out", str(out)]) == 0
    split = read_split(out)
    assert len(split.fold_of) == 24
    for one, other in (("p00", "p01"), ("p00", "p22"), ("p00", "p23"), ("p05", "p04")):
        assert split.fold_of[one] == split.fold_of[other], "of one patient, or a copy of a photograph of his"
    assert len(set(split.group_of.values())) == 11


@pytest.mark.parametrize("column", ["Patient", "patient_id", "PatientID", "LESION", "lesion_id"])
def test_columns_of_groups_are_found_by_any_usual_name(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], column: str
) -> None:
    table, out = tmp_path / "labels.csv", tmp_path / "split.csv"
    rows = [(f"p{number:02d}", "mole", f"P{number // 2}", "arm") for number in range(24)]
    write_rows(table, ("image", "class", column, "site"), rows)
    assert main(["make-split", "--table", str(table), "--images", str(photographs), "--out", str(out)]) == 0
    assert f"grouped by: {column}; ignored: site\n" in capsys.readouterr().out
    folds = read_split(out).fold_of
    assert all(folds[f"p{number:02d}"] == folds[f"p{number + 1:02d}"] for number in range(0, 24, 2))


@pytest.mark.parametrize("row", [("p99", "mole"), ("p00", ""), ("p01", "mole")])
def test_a_row_without_a_photograph_or_class_or_there_twice_is_named(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], row: tuple[str, str]
) -> None:
    table = tmp_path / "labels.csv"
    write_rows(table, ("image", "class"), [("p01", "wart"), row])
    out = tmp_path / "split.csv"
    assert main(["make-split", "--table", str(table), "--images", str(photographs), "--out", str(out)]) == 2
    assert f"line 3: {row[0]} needs one row, a class, and a file" in capsys.readouterr().err
    assert not out.exists()
