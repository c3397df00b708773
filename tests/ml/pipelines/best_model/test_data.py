"""The training data alone: laid out, packed and unpacked."""

from collections import Counter
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.bundle.hashing import hash_file
from ml.data.isic import read_isic
from ml.data.split import OPEN_FOLDS, read_split
from ml.errors import UserError
from ml.pipelines.best_model.data import lay_out, pack, select_training_data, unpack
from tests.ml.tiny_isic import write_rows, write_tiny_isic


@pytest.fixture(scope="module")
def isic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = write_tiny_isic(tmp_path_factory.mktemp("data") / "isic", per_class={"0": 2, "4": 1, "test": 1})
    header = ("lesion_id", "image_id", "dx_type", "age", "sex", "localization")
    rows = [(each.lesion_id, each.image_id, "histo", "45.0", "male", "back") for each in read_isic(directory).records]
    write_rows(directory / "HAM10000_metadata.csv", header, rows)
    return directory


def test_what_is_laid_out_reads_as_the_original_without_the_test_fold(isic: Path, tmp_path: Path) -> None:
    lay_out(select_training_data(isic, OPEN_FOLDS), tmp_path / "out")
    folds = read_split().fold_of
    expected = [each for each in read_isic(isic).records if folds[each.image_id] != "test"]
    found = read_isic(tmp_path / "out").records
    assert len(found) == 21
    for one, other in zip(found, expected, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()
        assert (one.image_id, one.label, one.lesion_id, one.age) == (
            other.image_id, other.label, other.lesion_id, 45.0
        )  # fmt: skip


def test_a_few_images_are_of_all_folds_and_classes(isic: Path, tmp_path: Path) -> None:
    lay_out(select_training_data(isic, ("0", "4"), images=15), tmp_path / "few")
    records, folds = read_isic(tmp_path / "few").records, read_split().fold_of
    assert len(records) == 15
    assert Counter(folds[each.image_id] for each in records) == {"0": 8, "4": 7}
    assert {each.label for each in records} == set(range(7))


def test_more_images_than_there_are_is_an_error(isic: Path) -> None:
    with pytest.raises(UserError, match="images: is 99, but the data have 21"):
        select_training_data(isic, OPEN_FOLDS, images=99)


def test_tars_keep_to_their_size_and_hold_everything_once(isic: Path, tmp_path: Path) -> None:
    found = select_training_data(isic, OPEN_FOLDS)
    total = sum(path.stat().st_size for path in found.images.values())
    assert total > 0.3e6, "else one tar would do"
    written = pack_small(isic, tmp_path / "tars")
    assert len(written) > 1
    assert all(path.stat().st_size <= 100_000 for path in written)
    unpack(tmp_path / "tars", tmp_path / "unpacked")
    again = select_training_data(tmp_path / "unpacked", OPEN_FOLDS)
    assert again.tables == found.tables
    assert {name: hash_file(path) for name, path in again.images.items()} == {
        name: hash_file(path) for name, path in found.images.items()
    }


def pack_small(isic: Path, out: Path) -> list[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ml.pipelines.best_model.data.MEGABYTE", 1000)
        return pack(select_training_data(isic, OPEN_FOLDS), out, megabytes=100, progress=False)


def test_packing_twice_gives_the_same_bytes(isic: Path, tmp_path: Path) -> None:
    one, other = pack_small(isic, tmp_path / "one"), pack_small(isic, tmp_path / "other")
    assert [(path.name, hash_file(path)) for path in one] == [(path.name, hash_file(path)) for path in other]


def test_packing_is_a_command_that_does_not_overwrite(
    isic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pack", "--data", str(isic), "--out", str(tmp_path / "tars")]) == 0
    assert capsys.readouterr().out.strip().endswith("isic2018_task3_training_00.tar")
    assert main(["pack", "--data", str(isic), "--out", str(tmp_path / "tars")]) == 2
    assert "holds tars already" in capsys.readouterr().err
    assert main(["unpack", "--data", str(tmp_path), "--out", str(tmp_path / "new")]) == 2
    assert "holds no tar" in capsys.readouterr().err
