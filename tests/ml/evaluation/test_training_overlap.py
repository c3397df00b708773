"""Images of the training data are known again, under their own name and under another."""

from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image

from ml.data.duplicates.perceptual_hash import find_alike, hash_picture
from ml.data.split import HASHES_FILE, read_split
from ml.evaluation import training_overlap
from ml.evaluation.training_overlap import find_seen
from tests.ml import pictures


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture that stands in the table of hashes for the first image of fold 0 and the first of the test fold."""
    path = tmp_path / "HOSP_1.jpg"
    path.write_bytes(pictures.jpeg())
    hashes = np.full(len(read_split().fold_of), 0xAAAAAAAAAAAAAAAA, np.uint64)
    hashes[list(read_split().fold_of.values()).index("0")] = hash_picture(Image.open(path))
    np.save(tmp_path / "hashes.npy", hashes)
    monkeypatch.setattr(training_overlap, "HASHES_FILE", tmp_path / "hashes.npy")
    return path


def test_a_hash_is_imagehashs() -> None:
    for picture in (pictures.draw_lesion(), pictures.draw_lesion(640, 240), pictures.draw_lesion().rotate(90)):
        bits = imagehash.phash(picture, hash_size=8).hash.reshape(64)
        assert hash_picture(picture) == int("".join("01"[int(bit)] for bit in bits), 2)


def test_the_table_has_a_hash_for_every_image_of_the_split() -> None:
    assert np.load(HASHES_FILE).shape == (len(read_split().fold_of),) == (10015,)


def test_the_nearest_within_the_limit_is_found() -> None:
    known = np.array([0b0000, 0b1111], np.uint64)
    found = find_alike(np.array([0b0001, 0b0111, 0b0110], np.uint64), known, max_distance=1)
    assert found.tolist() == [0, 1, -1]


def test_a_copy_under_another_name_and_compression_is_told(known: Path) -> None:
    copy = known.with_name("HOSP_2.png")
    Image.open(known).resize((640, 480)).save(copy)
    found = find_seen({"HOSP_1": known, "HOSP_2": copy}, read_split().fold_of)
    assert (found.by_id, found.by_look, found.like_test) == ((), ("HOSP_1", "HOSP_2"), ())
    (line,) = found.to_lines()
    assert line.startswith("2 of 2 images look like images of folds 0 to 4 of ISIC 2018 Task 3 (HOSP_1, HOSP_2): ")


def test_an_image_of_a_training_fold_is_told_by_its_name(known: Path) -> None:
    name = next(name for name, fold in read_split().fold_of.items() if fold == "2")
    assert find_seen({name: known}, read_split().fold_of).by_id == (name,)


def test_what_is_not_known_is_not_told(known: Path) -> None:
    strange = known.with_name("strange.png")
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (200, 200, 3), np.uint8)).save(strange)
    assert find_seen({"strange": strange}, read_split().fold_of).to_lines() == []


def test_images_of_the_data_set_are_known_again(data_dir: Path) -> None:
    images = data_dir / "isic2018_task3" / "ISIC2018_Task3_Training_Input"
    names = [*[name for name, fold in read_split().fold_of.items() if fold == "1"][:3]]
    names += [name for name, fold in read_split().fold_of.items() if fold == "test"][:2]
    found = find_seen({f"HOSP_{name}": images / f"{name}.jpg" for name in names}, read_split().fold_of)
    assert len(found.by_look) == 3
    assert len(found.like_test) == 2
