"""Augmentation by albumentations."""

import sys

import numpy as np
import pytest

from ml.errors import UserError
from ml.training.augment_albumentations import make_alter
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
    still = Augmentation("albumentations", 1.0, 4 / 3, 0.0, 0.0, 0.0, 0.0, 0.0)
    picture = np.full((60, 80, 3), (10, 100, 200), np.uint8)
    np.testing.assert_array_equal(make_alter(still)(picture, 32), np.full((32, 32, 3), (10, 100, 200), np.uint8))


def test_its_absence_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "albumentations", None)
    with pytest.raises(UserError, match="albumentations is not installed; install it or set `tensor`"):
        make_alter(Augmentation(kind="albumentations"))
