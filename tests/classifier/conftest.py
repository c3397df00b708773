"""What the tests of the domain share: photographs, and the shipped network in service."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytest_django import Settings

from classifier.models import ModelVersion
from classifier.services.registry import register_model
from ml.bundle import DEFAULT_BUNDLE


def draw_lesion(*, seed: int = 0, size: tuple[int, int] = (600, 450), file_format: str = "JPEG") -> bytes:
    """A photograph-like picture: skin with a brown blot, other bytes for every seed."""
    width, height = size
    noise = np.random.default_rng(seed).normal(0, 6, (height // 2, width // 2, 3))
    rows, columns = np.ogrid[: height // 2, : width // 2]
    distance = np.hypot((rows - height / 4) / height, (columns - width / 4) / width)[..., None]
    skin, blot = np.array([205, 160, 140]), np.array([105, 65, 50])
    pixels = np.where(distance < 0.11 + 0.01 * (seed % 5), blot, skin) + noise
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    out = io.BytesIO()
    picture.save(out, file_format, quality=90)
    return out.getvalue()


@pytest.fixture
def photograph() -> bytes:
    """An uploadable photograph."""
    return draw_lesion()


@pytest.fixture
def store(settings: Settings, tmp_path: Path) -> Path:
    """An empty model store and an empty storage of this test's own; gives the folder of photographs."""
    settings.MODEL_STORE = tmp_path / "models"
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def active_model(store: Path, db: None) -> ModelVersion:
    """The shipped network, active."""
    return register_model(path=DEFAULT_BUNDLE, activate=True)
