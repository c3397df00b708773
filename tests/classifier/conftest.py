"""What the tests of the domain share: photographs, and the shipped network in service."""

import io
from pathlib import Path

import pytest
from PIL import Image
from pytest_django import Settings

import classifier
from classifier.models import ModelVersion
from classifier.services.registry import register_model
from ml.bundle import DEFAULT_BUNDLE

SAMPLES = sorted((Path(classifier.__file__).parent / "samples" / "photographs").glob("*.jpg"))


def draw_lesion(*, seed: int = 0, size: tuple[int, int] = (600, 450), file_format: str = "JPEG") -> bytes:
    """A photograph that the gate lets through: one of the samples, other bytes for every seed."""
    with Image.open(SAMPLES[seed % len(SAMPLES)]) as sample:
        picture = sample.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    picture.putpixel((0, 0), (seed % 256, seed // 256 % 256, 0))
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
