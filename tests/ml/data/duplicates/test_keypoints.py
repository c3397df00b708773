"""Keypoints tell another photograph of the same skin from one of other skin."""

from pathlib import Path

import pytest
from PIL import Image

from ml.data.duplicates.keypoints import KeypointMatcher
from ml.data.prepare.find_duplicates import MIN_MATCHES
from tests.ml.data.prepare.ham10000 import picture


def write(path: Path, image: Image.Image) -> Path:
    image.save(path, "JPEG", quality=85)
    return path


@pytest.fixture
def skin(tmp_path: Path) -> Path:
    return write(tmp_path / "skin.jpg", picture(1, width=640, height=480))


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((400, 300)),
        lambda image: image.rotate(90, expand=True),
        lambda image: image.rotate(33).crop((120, 90, 520, 390)),
        lambda image: image.crop((100, 80, 500, 380)),
        lambda image: image.point(lambda value: value * 0.6 + 40),
    ],
    ids=["smaller", "upright", "turned", "nearer", "paler"],
)
def test_the_same_skin_is_confirmed(skin: Path, tmp_path: Path, change: object) -> None:
    assert callable(change)
    other = write(tmp_path / "other.jpg", change(Image.open(skin)))
    assert KeypointMatcher().count_matches(skin, other) >= MIN_MATCHES


def test_other_skin_is_not(skin: Path, tmp_path: Path) -> None:
    others = [write(tmp_path / f"{seed}.jpg", picture(seed, width=640, height=480)) for seed in range(2, 7)]
    matcher = KeypointMatcher()
    assert max(matcher.count_matches(skin, other) for other in others) < MIN_MATCHES


def test_skin_without_texture_has_nothing_to_match(skin: Path, tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.jpg", Image.new("RGB", (400, 300), (220, 180, 160)))
    assert KeypointMatcher().count_matches(plain, plain) == 0
    assert KeypointMatcher().count_matches(skin, plain) == 0


def test_the_same_pair_gives_the_same_count(skin: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.jpg", Image.open(skin).rotate(10))
    assert KeypointMatcher().count_matches(skin, other) == KeypointMatcher().count_matches(skin, other)
