"""The cache of decoded pixels and the batches drawn from it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ml.data.cache import fit_to_canvas, open_cache
from ml.data.isic import Record, read_isic
from ml.errors import UserError
from ml.training.dataset import CachedBatches, OrderedBatches, Shard, WeightedBatches
from tests.ml.tiny_isic import write_tiny_isic


@pytest.fixture
def records(tmp_path: Path) -> tuple[Record, ...]:
    return read_isic(write_tiny_isic(tmp_path / "isic", per_class={"0": 2})).records


def test_a_cache_is_made_once_and_holds_the_pixels(records: tuple[Record, ...], tmp_path: Path) -> None:
    first = open_cache(records, tmp_path / "cache", short_side=48, progress=False)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}
    again = open_cache(records, tmp_path / "cache", short_side=48, progress=False)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()} == files
    assert first.pixels.shape == again.pixels.shape == (14, 48, 64, 3)
    assert first.widths.tolist() == [64] * 14
    assert again.data_sha256 == first.data_sha256
    # Noise of mean 60 + 20 × label, and 50 more in the channel of label modulo 3.
    np.testing.assert_allclose(first.pixels[0].mean(axis=(0, 1)), [110, 60, 60], atol=2)
    np.testing.assert_allclose(first.pixels[4].mean(axis=(0, 1)), [140, 190, 140], atol=2)


def test_a_changed_image_makes_another_cache(records: tuple[Record, ...], tmp_path: Path) -> None:
    first = open_cache(records, tmp_path / "cache", short_side=48, progress=False)
    records[0].path.write_bytes(records[1].path.read_bytes())
    again = open_cache(records, tmp_path / "cache", short_side=48, progress=False)
    assert again.data_sha256 != first.data_sha256
    np.testing.assert_array_equal(again.pixels[0], again.pixels[1])


def test_a_cache_that_was_cut_off_is_made_again(records: tuple[Record, ...], tmp_path: Path) -> None:
    whole = open_cache(records, tmp_path / "cache", short_side=48, progress=False)
    expected = np.array(whole.pixels)
    next((tmp_path / "cache").glob("*.json")).unlink()
    next((tmp_path / "cache").glob("*.u8")).write_bytes(b"")
    np.testing.assert_array_equal(
        open_cache(records, tmp_path / "cache", short_side=48, progress=False).pixels, expected
    )


def test_several_processes_make_the_same_cache(
    records: tuple[Record, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = open_cache(records, tmp_path / "alone", short_side=48, progress=False)
    monkeypatch.setattr("ml.data.cache.AT_ONCE", 4)
    together = open_cache(records, tmp_path / "together", short_side=48, progress=False)
    np.testing.assert_array_equal(together.pixels, alone.pixels)
    assert together.data_sha256 == alone.data_sha256
    assert together.widths.tolist() == alone.widths.tolist()


def test_a_corrupt_image_is_named_by_another_process_too(
    records: tuple[Record, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.data.cache.AT_ONCE", 4)
    records[3].path.write_bytes(b"not an image")
    with pytest.raises(UserError, match=f"{records[3].path.name}: "):
        open_cache(records, tmp_path / "cache", short_side=48, progress=False)


@pytest.mark.parametrize("content", [b"", b"not an image", None], ids=["empty", "text", "truncated"])
def test_a_corrupt_image_is_named(records: tuple[Record, ...], tmp_path: Path, content: bytes | None) -> None:
    path = records[3].path
    path.write_bytes(path.read_bytes()[:2000] if content is None else content)
    with pytest.raises(UserError, match=f"{path.name}: "):
        open_cache(records, tmp_path / "cache", short_side=48, progress=False)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((300, 400), (48, 64)),
        ((400, 300), (48, 64)),
        ((300, 300), (48, 48)),
        ((300, 900), (48, 64)),
        ((60, 70), (48, 56)),
    ],
    ids=["4:3", "upright", "square", "panorama", "between"],
)
def test_images_keep_their_aspect_up_to_four_by_three(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    image = np.zeros((*shape, 3), np.uint8)
    assert fit_to_canvas(image, short_side=48).shape == (*expected, 3)


def draw(batches: WeightedBatches, epoch: int) -> list[list[int]]:
    batches.set_epoch(epoch)
    return list(batches)


def test_draws_follow_from_seed_and_epoch_alone() -> None:
    weights = torch.ones(40)
    one, other = (WeightedBatches(np.arange(40), weights, batch_size=8, seed=5) for _ in range(2))
    assert len(one) == 5
    assert draw(one, 0) != draw(one, 1)
    assert draw(one, 1) == draw(other, 1)


def test_an_epoch_may_draw_fewer_images_than_there_are() -> None:
    batches = WeightedBatches(np.arange(40), torch.ones(40), batch_size=8, seed=5, images=20)
    assert len(batches) == 2
    assert [len(batch) for batch in draw(batches, 0)] == [8, 8]
    assert draw(batches, 0) != draw(batches, 1)


def test_processes_deal_every_batch_among_themselves() -> None:
    weights = torch.ones(40)
    whole = WeightedBatches(np.arange(40), weights, batch_size=8, seed=5)
    parts = [WeightedBatches(np.arange(40), weights, batch_size=8, seed=5, shard=Shard(rank, 2)) for rank in (0, 1)]
    for batch, one, other in zip(draw(whole, 3), *(draw(part, 3) for part in parts), strict=True):
        assert len(one) == len(other) == 4
        assert sorted(one + other) == sorted(batch)


def test_choosing_reads_every_image_once_in_order() -> None:
    batches = OrderedBatches(np.array([3, 1, 4, 2, 9]), batch_size=2)
    assert list(batches) == [[3, 1], [4, 2], [9]]
    assert len(batches) == 3


def test_batches_hold_pixels_widths_and_labels(records: tuple[Record, ...], tmp_path: Path) -> None:
    cache = open_cache(records, tmp_path / "cache", short_side=48, progress=False)
    pixels, widths, labels, metadata, _ = CachedBatches(cache)[[4, 0]]
    assert metadata.shape == (2, 0)
    assert pixels.shape == (2, 48, 64, 3)
    assert pixels.dtype == torch.uint8
    assert labels.tolist() == [4, 0]
    assert widths.tolist() == [64, 64]
    np.testing.assert_array_equal(pixels[1].numpy(), cache.pixels[0])
