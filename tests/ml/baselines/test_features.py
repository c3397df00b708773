"""Features are computed once, go on where they stopped, and are made anew when an input changes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.baselines.features import FloatArray, HandcraftedFeatures, Picture, Source, compute_features, read_picture
from ml.errors import UserError


class MeanColour:
    """Counts what it describes; stops after ``until`` pictures as if killed."""

    length = 3
    batch_size = 2

    def __init__(self, *, identity: str = "mean", until: int = 100) -> None:
        self.identity = identity
        self.until = until
        self.described = 0

    def describe(self, pictures: Sequence[Picture]) -> FloatArray:
        if self.described + len(pictures) > self.until:
            raise KeyboardInterrupt
        self.described += len(pictures)
        return np.stack([each.pixels.mean(axis=(0, 1)) for each in pictures]).astype(np.float32)


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    directory = tmp_path / "images"
    directory.mkdir()
    for place in range(5):
        Image.new("RGB", (240, 230), (40 * place, 10, 20)).save(directory / f"{place}.png")
    return [Source(str(place), directory / f"{place}.png") for place in range(5)]


def test_features_are_computed_once(sources: list[Source], tmp_path: Path) -> None:
    first = compute_features(sources, MeanColour(), tmp_path / "cache", progress=False)
    assert first.values[:, 0].tolist() == [0, 40, 80, 120, 160]
    again = MeanColour()
    second = compute_features(sources, again, tmp_path / "cache", progress=False)
    assert again.described == 0
    np.testing.assert_array_equal(first.values, second.values)
    assert (first.data_sha256, first.seconds) == (second.data_sha256, second.seconds)


def test_a_stopped_run_goes_on_after_its_last_batch(sources: list[Source], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        compute_features(sources, MeanColour(until=3), tmp_path / "cache", progress=False)
    rest = MeanColour()
    found = compute_features(sources, rest, tmp_path / "cache", progress=False)
    assert rest.described == 3
    assert found.values[:, 0].tolist() == [0, 40, 80, 120, 160]


def test_a_changed_image_or_another_extractor_is_described_anew(sources: list[Source], tmp_path: Path) -> None:
    before = compute_features(sources, MeanColour(), tmp_path / "cache", progress=False)
    Image.new("RGB", (240, 230), (7, 10, 20)).save(sources[0].path)
    after = compute_features(sources, MeanColour(), tmp_path / "cache", progress=False)
    assert after.values[0, 0] == 7
    assert after.data_sha256 != before.data_sha256
    other = MeanColour(identity="another")
    compute_features(sources, other, tmp_path / "cache", progress=False)
    assert other.described == 5


def test_a_bar_shows_what_is_left(sources: list[Source], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compute_features(sources, MeanColour(), tmp_path / "cache")
    assert "Features: 100%" in capsys.readouterr().err


def test_handcrafted_features_fill_a_row_an_image(sources: list[Source]) -> None:
    extractor = HandcraftedFeatures()
    assert extractor.describe([read_picture(each) for each in sources[:2]]).shape == (2, extractor.length)


def test_a_damaged_image_is_named(sources: list[Source], tmp_path: Path) -> None:
    sources[3].path.write_bytes(sources[3].path.read_bytes()[:80])
    with pytest.raises(UserError, match=r"3\.png: The image file is cut off or damaged"):
        compute_features(sources, MeanColour(), tmp_path / "cache", progress=False)


def test_a_mask_is_read_with_its_image(sources: list[Source], tmp_path: Path) -> None:
    marked = np.zeros((230, 240), np.uint8)
    marked[100:120, 50:90] = 255
    Image.fromarray(marked).save(tmp_path / "mask.png")
    picture = read_picture(Source("0", sources[0].path, tmp_path / "mask.png"))
    assert picture.mask is not None
    assert picture.mask.sum() == 20 * 40


def test_a_mask_of_another_size_is_named(sources: list[Source], tmp_path: Path) -> None:
    Image.new("1", (100, 100)).save(tmp_path / "mask.png")
    with pytest.raises(UserError, match=r"mask\.png: differs in size from its image \(100×100 and 240×230\)"):
        read_picture(Source("0", sources[0].path, tmp_path / "mask.png"))


def test_a_mask_that_is_no_image_is_named(sources: list[Source], tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"mask\.png: cannot be read as a mask"):
        read_picture(Source("0", sources[0].path, tmp_path / "mask.png"))
