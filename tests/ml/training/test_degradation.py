"""Resampling and JPEG compression by tensor operations, against Pillow's."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ml.training.degradation import compress_batch, degrade, resample_batch

PHOTOGRAPHS = Path(__file__).parents[3] / "classifier" / "samples" / "photographs"


def load_lesion() -> Image.Image:
    path = min(PHOTOGRAPHS.glob("*.jpg"))
    return Image.open(path).convert("RGB").resize((288, 288), Image.Resampling.BICUBIC)


def to_tensor(picture: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize("quality", [30, 50, 70])
def test_a_picture_is_compressed_as_pillow_does_it(quality: int) -> None:
    picture = load_lesion()
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, subsampling=2)
    before, theirs = to_tensor(picture), to_tensor(Image.open(file))
    ours = compress_batch(before, torch.tensor([float(quality)]))
    lost = (theirs - before).abs().mean()
    assert (ours - before).abs().mean() == pytest.approx(float(lost), rel=0.1)
    assert (ours - theirs).abs().mean() < 0.6 * lost, "the same is lost, but for rounding and filters of colour"


@pytest.mark.parametrize(("height", "width"), [(64, 64), (60, 81), (33, 16)])
def test_any_size_is_compressed(height: int, width: int) -> None:
    images = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    assert compress_batch(images, torch.tensor([50.0, 80.0])).shape == images.shape


def test_a_picture_of_one_colour_stays_as_it_is() -> None:
    plain = torch.tensor([0.8, 0.6, 0.5])[None, :, None, None].expand(1, 3, 64, 64)
    assert torch.allclose(compress_batch(plain, torch.tensor([90.0])), plain, atol=0.02)
    assert torch.allclose(resample_batch(plain, 0.5), plain, atol=1e-5)


def test_a_resampled_picture_has_lost_what_is_fine() -> None:
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert resample_batch(noise, 0.5).std() < 0.7 * noise.std()


def test_so_many_are_degraded_and_no_others() -> None:
    pixels = torch.from_numpy(np.array(load_lesion())).repeat(40, 1, 1, 1)
    torch.manual_seed(1)
    changed = (degrade(pixels, 0.5) != pixels).flatten(1).any(dim=1)
    assert 10 < changed.sum() < 30
    assert degrade(pixels, 0.0) is pixels
    assert (degrade(pixels, 1.0) != pixels).flatten(1).any(dim=1).all()


def test_what_is_degraded_still_shows_the_same() -> None:
    pixels = torch.from_numpy(np.array(load_lesion()))[None]
    assert (degrade(pixels, 1.0).float() - pixels.float()).abs().mean() < 6


def test_under_autocast_it_computes_as_without() -> None:
    pixels = torch.from_numpy(np.array(load_lesion()))[None]
    torch.manual_seed(1)
    expected = degrade(pixels, 1.0)
    torch.manual_seed(1)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(degrade(pixels, 1.0), expected)
