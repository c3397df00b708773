"""Blur, noise, resampling and JPEG compression by tensor operations, against Pillow and values worked by hand."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ml.training.config import Degradation
from ml.training.degradation import (
    add_noise_batch,
    blur_batch,
    compress_batch,
    compress_moved,
    degrade,
    degrade_by_kind,
    resample_batch,
    sharpen_batch,
)

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


def make_dot(*, ground: float, height: float) -> Tensor:
    """Two grey images (2, 3, 21, 21) with one brighter pixel in the middle."""
    images = torch.full((2, 3, 21, 21), ground)
    images[:, :, 10, 10] += height
    return images


def test_a_dot_is_blurred_to_the_gaussian_of_its_own_deviation() -> None:
    blurred = blur_batch(make_dot(ground=0, height=1), torch.tensor([1.0, 0.5]))
    # Weights at 0, 1, 2, 3, 4 pixels: 1, e^-1/2, e^-2, e^-9/2, e^-8; twice the last four and the first are 2.50662.
    centre, beside, diagonal = 0.15915, 0.15915 * 0.60653, 0.15915 * 0.60653**2
    assert blurred[0, :, 10, 10].tolist() == pytest.approx([centre] * 3, abs=1e-4)
    assert blurred[0, 0, 10, 11] == pytest.approx(beside, abs=1e-4)
    assert blurred[0, 0, 9, 10] == pytest.approx(beside, abs=1e-4)
    assert blurred[0, 0, 9, 11] == pytest.approx(diagonal, abs=1e-4)
    # At half a pixel: 1, e^-2, e^-8; together 1.27134.
    assert blurred[1, 0, 10, 10] == pytest.approx(1 / 1.27134**2, abs=1e-4)
    assert blurred.sum(dim=(2, 3)).flatten().tolist() == pytest.approx([1] * 6, abs=1e-4)


def test_what_a_blur_takes_from_a_dot_is_added_to_it() -> None:
    sharpened = sharpen_batch(make_dot(ground=0.5, height=0.1), torch.tensor([1.0, 0.5]))
    removed = 0.1 * (1 - 0.15915)
    assert sharpened[:, 0, 10, 10].tolist() == pytest.approx([0.6 + removed, 0.6 + removed / 2], abs=1e-4)
    assert sharpened[0, 0, 10, 11] == pytest.approx(0.5 - 0.1 * 0.15915 * 0.60653, abs=1e-4)
    assert sharpened[0, 0, 0, 0] == pytest.approx(0.5)


def test_noise_has_the_deviation_asked_for_in_each_image() -> None:
    torch.manual_seed(0)
    grey = torch.full((2, 3, 100, 100), 0.5)
    added = (add_noise_batch(grey, torch.tensor([3.0, 6.0])) - grey) * 255
    assert added.std(dim=(1, 2, 3)).tolist() == pytest.approx([3, 6], rel=0.02)
    assert added.mean(dim=(1, 2, 3)).tolist() == pytest.approx([0, 0], abs=0.1)


def test_a_moved_picture_is_compressed_on_a_moved_grid() -> None:
    """A step from grey to white at the fifth column: inside a block of eight, or at its border if moved by four."""
    step = torch.full((1, 3, 32, 32), 128 / 255)
    step[..., 4:] = 1.0
    quality = torch.tensor([50.0])
    lost = {
        move: ((compress_moved(step, quality, 0, move) - step)[..., :8].abs().max() * 255).item() for move in (0, 4, 8)
    }
    # On its border every block is of one grey, whose only coefficient is a multiple of 16, of which 8 are one level.
    assert lost[4] <= 1.1
    assert lost[0] > 5
    assert lost[8] == pytest.approx(lost[0], abs=0.1), "a whole block further nothing changes"


def test_each_kind_changes_its_share_of_images() -> None:
    pixels = torch.from_numpy(np.array(load_lesion().resize((64, 64)))).repeat(200, 1, 1, 1)
    for kind in ("blur", "resample", "noise", "sharpen", "compress"):
        torch.manual_seed(2)
        changed = (degrade_by_kind(pixels, Degradation(**{kind: 0.3})) != pixels).flatten(1).any(dim=1)
        assert 40 <= changed.sum() <= 80, kind  # 60 expected, three deviations are 19


def test_where_no_kind_is_on_nothing_is_drawn() -> None:
    pixels = torch.zeros(2, 16, 16, 3, dtype=torch.uint8)
    before = torch.get_rng_state()
    assert degrade_by_kind(pixels, Degradation()) is pixels
    assert torch.equal(torch.get_rng_state(), before)
