"""Tensor augmentation against albumentations and against what can be worked out by hand."""

import math

import albumentations
import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from ml.training.augment_tensor import Colour, Geometry, alter_colour, augment, draw_geometry, sample
from ml.training.config import Augmentation

HEIGHT, WIDTH = 60, 80


@pytest.fixture
def picture() -> npt.NDArray[np.uint8]:
    """A smooth picture: bilinear filters of two libraries then differ by rounding alone."""
    coarse = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def place(**changes: float) -> Geometry:
    """The whole image upright, with changes."""
    whole = {
        "centre_x": WIDTH / 2,
        "centre_y": HEIGHT / 2,
        "width": WIDTH,
        "height": HEIGHT,
        "mirror_x": 1.0,
        "mirror_y": 1.0,
        "quarter_turns": 0.0,
        "jitter": 0.0,
    }
    return Geometry(**{name: torch.tensor([value]) for name, value in (whole | changes).items()})


def sample_one(picture: npt.NDArray[np.uint8], geometry: Geometry, size: int) -> npt.NDArray[np.float32]:
    result: npt.NDArray[np.float32] = (
        sample(torch.from_numpy(picture)[None], geometry, size)[0].permute(1, 2, 0).numpy()
    )
    return result * 255


def apply(picture: npt.NDArray[np.uint8], *transforms: object) -> npt.NDArray[np.float32]:
    result: npt.NDArray[np.uint8] = albumentations.Compose(list(transforms))(image=picture)["image"]
    return result.astype(np.float32)


def resize(size: int) -> albumentations.Resize:
    return albumentations.Resize(size, size, interpolation=cv2.INTER_LINEAR)


def test_a_crop_is_squashed_as_by_albumentations(picture: npt.NDArray[np.uint8]) -> None:
    geometry = place(centre_x=40.0, centre_y=25.0, width=40.0, height=30.0)
    crop = albumentations.Crop(x_min=20, x_max=60, y_min=10, y_max=40)
    ours, theirs = sample_one(picture, geometry, 32), apply(picture, crop, resize(32))
    # At the crop's edge ours sees the pixels beyond it, theirs repeats the last one.
    np.testing.assert_allclose(ours[2:-2, 2:-2], theirs[2:-2, 2:-2], atol=1.5)


@pytest.mark.parametrize(
    ("changes", "transform"),
    [
        ({"mirror_x": -1.0}, albumentations.HorizontalFlip(p=1)),
        ({"mirror_y": -1.0}, albumentations.VerticalFlip(p=1)),
        ({"mirror_x": -1.0, "mirror_y": -1.0}, albumentations.Affine(rotate=(180, 180), p=1)),
    ],
)
def test_mirror_images_are_those_of_albumentations(
    picture: npt.NDArray[np.uint8], changes: dict[str, float], transform: object
) -> None:
    ours, theirs = sample_one(picture, place(**changes), 60), apply(picture, resize(60), transform)
    np.testing.assert_allclose(ours, theirs, atol=1.5)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_are_those_of_numpy(picture: npt.NDArray[np.uint8], turns: int) -> None:
    upright = sample_one(picture, place(), 60)
    ours = sample_one(picture, place(quarter_turns=float(turns)), 60)
    np.testing.assert_allclose(ours, np.rot90(upright, turns), atol=0.01)


def test_a_small_rotation_is_that_of_albumentations(picture: npt.NDArray[np.uint8]) -> None:
    square = np.ascontiguousarray(picture[:, 10:70])
    geometry = place(centre_x=30.0, width=60.0, jitter=math.radians(12.0))
    theirs = apply(square, albumentations.Rotate(limit=(12, 12), border_mode=cv2.BORDER_REFLECT, p=1))
    ours = sample_one(square, geometry, 60)
    np.testing.assert_allclose(ours[12:-12, 12:-12], theirs[12:-12, 12:-12], atol=3)


def test_what_lies_beyond_the_border_is_reflected(picture: npt.NDArray[np.uint8]) -> None:
    # A window of the image's size, moved by ten pixels to the right: its last ten columns mirror the ten before.
    geometry = place(centre_x=WIDTH / 2 + 10)
    shifted = sample_one(picture, geometry, 80)
    np.testing.assert_allclose(shifted[:, 70:], shifted[:, 60:70][:, ::-1], atol=0.01)


def test_a_strong_reduction_does_not_alias() -> None:
    stripes = np.zeros((240, 320, 3), np.uint8)
    stripes[:, ::2] = 255
    whole = place(centre_x=160.0, centre_y=120.0, width=320.0, height=240.0)
    np.testing.assert_allclose(sample_one(stripes, whole, 64), 127.5, atol=1)


def colour(**changes: float) -> Colour:
    factors = {name: torch.tensor([changes.get(name, 1.0)]) for name in ("brightness", "contrast", "saturation")}
    return Colour(**factors, gains=torch.tensor([[changes.get("red", 1.0), 1.0, 1.0]]))


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_colour_is_altered_as_by_albumentations(picture: npt.NDArray[np.uint8], name: str, factor: float) -> None:
    ranges = dict.fromkeys(("brightness", "contrast", "saturation"), (1.0, 1.0)) | {name: (factor, factor)}
    theirs = apply(picture, albumentations.ColorJitter(**ranges, hue=(0, 0), p=1))
    images = torch.from_numpy(picture)[None].permute(0, 3, 1, 2) / 255
    ours = alter_colour(images, colour(**{name: factor}))[0].permute(1, 2, 0).numpy() * 255
    np.testing.assert_allclose(ours, theirs, atol=1.5)


def test_a_channel_s_gain_changes_that_channel_alone() -> None:
    images = torch.full((1, 3, 2, 2), 0.5)
    altered = alter_colour(images, colour(red=1.08))
    torch.testing.assert_close(altered[0, :, 0, 0], torch.tensor([0.54, 0.5, 0.5]))


def test_drawn_crops_keep_to_area_aspect_and_image() -> None:
    torch.manual_seed(0)
    widths = torch.randint(300, 401, (2000,))
    drawn = draw_geometry(widths, 300, Augmentation())
    share = drawn.width * drawn.height / (widths * 300)
    aspect = drawn.width / drawn.height
    assert float(share.min()) >= 0.34
    assert float(share.max()) <= 1.0 + 1e-5
    assert float(share.mean()) == pytest.approx(0.675, abs=0.05)
    assert float(aspect.max()) <= 4 / 3 + 1e-4
    assert bool((drawn.centre_x - drawn.width / 2 >= -1e-3).all())
    assert bool((drawn.centre_x + drawn.width / 2 <= widths + 1e-3).all())
    assert bool((drawn.centre_y + drawn.height / 2 <= 300 + 1e-3).all())
    assert set(drawn.quarter_turns.tolist()) == {0, 1, 2, 3}
    assert float(torch.rad2deg(drawn.jitter).abs().max()) <= 15.001


def test_batches_follow_from_the_seed_and_stay_in_range(picture: npt.NDArray[np.uint8]) -> None:
    pixels, widths = torch.from_numpy(np.stack([picture] * 4)), torch.full((4,), WIDTH)

    def make(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return augment(pixels, widths, 32, Augmentation())

    first = make(1)
    assert first.shape == (4, 3, 32, 32)
    assert 0 <= float(first.min()) < float(first.max()) <= 1
    assert torch.equal(first, make(1))
    assert not torch.equal(first, make(2))
