"""What the tests of the domain share: photographs, and the shipped network in service."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytest_django import Settings

import classifier
from classifier.models import ModelVersion
from ml.build.similar_cases import build_cases
from ml.bundle.folder import DEFAULT_BUNDLE, load_bundle, write_manifest
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import SIMILAR_CASES_FILE
from ml.data.isic import Record
from ml.serve.similar_cases import save_similar_cases
from tests.network import put_into_service

SAMPLES = sorted((Path(classifier.__file__).parent / "samples" / "photographs").glob("*.jpg"))


def draw_lesion(*, seed: int = 0, size: tuple[int, int] = (600, 450), file_format: str = "JPEG") -> bytes:
    """A photograph that the detector lets through: one of the samples, other bytes for every seed."""
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


@pytest.fixture(scope="session")
def bundle_with_cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped bundle whose similar cases are the samples, in classes that they are not of."""
    path = tmp_path_factory.mktemp("bundle") / "with-cases"
    shutil.copytree(DEFAULT_BUNDLE, path)
    lesions = [
        [Record(f"CASE_{place}", sample, place % 7, confirmation="histo")] for place, sample in enumerate(SAMPLES)
    ]
    length = 1280
    embeddings = np.random.default_rng(3).normal(size=(len(lesions), 2, length)).astype(np.float32)
    save_similar_cases(path, build_cases(lesions, embeddings, embeddings + 1))
    manifest = load_bundle(DEFAULT_BUNDLE).manifest
    files = manifest.files | {SIMILAR_CASES_FILE: hash_file(path / SIMILAR_CASES_FILE)}
    write_manifest(path, replace(manifest, files=files))
    return path


@pytest.fixture
def active_model(store: Path, db: None) -> ModelVersion:
    """The shipped network, active."""
    return put_into_service(DEFAULT_BUNDLE)
