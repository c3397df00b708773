"""Augmentation by albumentations."""

import sys
from typing import Literal

import numpy as np
import pytest

from ml.errors import UserError
from ml.training.augment_albumentations import draw_hairs, make_alter
from ml.training.config import Augmentation


def test_alterations_give_the_size_asked_for_and_differ() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    alter = make_alter(Augmentation(kind="albumentations"))
    one, other = alter(picture, 32), alter(picture, 32)
    assert one.shape == other.shape == (32, 32, 3)
    assert one.dtype == np.uint8
    assert not np.array_equal(one, other)
    assert alter(picture, 48).shape == (48, 48, 3)


def test_without_any_range_the_picture_is_only_squashed_and_turned() -> None:
    still = Augmentation(
        kind="albumentations",
        min_crop_area=1.0,
        rotation_jitter=0.0,
        brightness=0.0,
        contrast=0.0,
        saturation=0.0,
        channel_gain=0.0,
    )
    picture = np.full((60, 80, 3), (10, 100, 200), np.uint8)
    np.testing.assert_array_equal(make_alter(still)(picture, 32), np.full((32, 32, 3), (10, 100, 200), np.uint8))


@pytest.mark.parametrize("level", ["basic", "standard", "strong", "randaugment"])
def test_every_level_alters_and_keeps_the_size(level: Literal["basic", "standard", "strong", "randaugment"]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    alter = make_alter(Augmentation(kind="albumentations", level=level))
    altered = [alter(picture, 32) for _ in range(20)]
    assert {image.shape for image in altered} == {(32, 32, 3)}
    assert len({image.tobytes() for image in altered}) == 20


def test_the_level_none_squashes_the_whole_picture() -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[:, 40:] = 200
    squashed = make_alter(Augmentation(kind="albumentations", level="none"))(picture, 20)
    assert squashed[:, :10].max() == 0
    assert squashed[:, 10:].min() == 200


def test_the_level_basic_leaves_the_colour() -> None:
    picture = np.full((60, 80, 3), (10, 100, 200), np.uint8)
    alter = make_alter(Augmentation(kind="albumentations", level="basic"))
    np.testing.assert_array_equal(alter(picture, 32), np.full((32, 32, 3), (10, 100, 200), np.uint8))


def test_drawn_hair_is_thin_and_dark() -> None:
    skin = np.full((300, 400, 3), 220, np.uint8)
    covered = [float((draw_hairs(skin) != 220).any(axis=2).mean()) for _ in range(20)]
    assert max(covered) < 0.15
    assert np.mean(covered) > 0.001


def test_its_absence_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "albumentations", None)
    with pytest.raises(UserError, match="albumentations is not installed; install it or set `tensor`"):
        make_alter(Augmentation(kind="albumentations"))
