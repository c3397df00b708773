"""Artefacts are found where they are drawn, and where people saw them."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ml.data.artefacts import ARTEFACTS, THRESHOLDS, score_artefacts
from ml.reports.eda.agreement import check_artefact, read_labels

Pixels = npt.NDArray[np.uint8]


def skin() -> Pixels:
    noise = np.random.default_rng(3).normal(0, 2, (300, 400, 3))
    return np.clip(np.array([225, 180, 160]) + noise, 0, 255).astype(np.uint8)


def draw_hair(image: Pixels) -> Pixels:
    return cv2.ellipse(image, (200, 150), (170, 90), 0, 10, 120, (60, 45, 40), 2).astype(np.uint8)


def draw_light_hair(image: Pixels) -> Pixels:
    return cv2.line(image, (30, 40), (350, 250), (255, 250, 240), 2).astype(np.uint8)


def draw_ruler(image: Pixels) -> Pixels:
    for place in range(12):
        cv2.line(image, (40, 30 + 20 * place), (58, 30 + 20 * place), (40, 40, 40), 2)
    return image


def draw_ink(image: Pixels) -> Pixels:
    return cv2.circle(image, (60, 240), 18, (90, 60, 190), -1).astype(np.uint8)


def draw_dark_corner(image: Pixels) -> Pixels:
    frame = np.full_like(image, 12)
    circle = cv2.circle(np.zeros(image.shape[:2], np.uint8), (200, 150), 215, 1, -1)
    return np.where(circle[..., None] > 0, image, frame).astype(np.uint8)


def find(image: Pixels, lesion: Pixels | None = None) -> set[str]:
    scores = score_artefacts(image, lesion)
    return {name for name in ARTEFACTS if scores[name] >= THRESHOLDS[name]}


def test_plain_skin_has_none() -> None:
    assert find(skin()) == set()


@pytest.mark.parametrize(
    ("draw", "artefact"),
    [
        (draw_hair, "hair"),
        (draw_light_hair, "hair"),
        (draw_ruler, "ruler"),
        (draw_ink, "ink"),
        (draw_dark_corner, "dark_corner"),
    ],
)
def test_what_is_drawn_is_found_and_nothing_else(draw: Callable[[Pixels], Pixels], artefact: str) -> None:
    assert find(draw(skin())) == {artefact}


@pytest.mark.parametrize("draw", [draw_hair, draw_ruler, draw_ink, draw_dark_corner])
def test_size_and_turn_of_the_picture_do_not_matter(draw: Callable[[Pixels], Pixels]) -> None:
    image = draw(skin())
    large = cv2.resize(image, (800, 600), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    assert find(large) == find(image)
    assert find(np.ascontiguousarray(image[::-1, ::-1])) == find(image)


def test_a_blue_lesion_is_not_ink_where_its_mask_is_given() -> None:
    mask = cv2.circle(np.zeros((300, 400), np.uint8), (200, 150), 50, 255, -1).astype(np.uint8)
    image = np.where(mask[..., None] > 0, np.array([80, 80, 150], np.uint8), skin()).astype(np.uint8)
    assert "ink" in find(image)
    assert "ink" not in find(image, mask)
    assert "ink" in find(draw_ink(image), mask)


def test_unevenly_spaced_marks_are_no_ruler() -> None:
    image = skin()
    for place in (30, 38, 75, 130, 141, 230):
        cv2.line(image, (40, place), (58, place), (40, 40, 40), 2)
    assert "ruler" not in find(image)


def test_heuristics_agree_with_two_people_on_pictures_that_chose_no_threshold(data_dir: Path) -> None:
    data = data_dir / "isic2018_task3"
    labels = read_labels()
    scores = []
    for name in labels["image"]:
        picture = np.asarray(Image.open(data / "ISIC2018_Task3_Training_Input" / f"{name}.jpg").convert("RGB"))
        mask = np.asarray(Image.open(data / "HAM10000_segmentations" / f"{name}_segmentation.png").convert("L"))
        scores.append(score_artefacts(picture, mask))
    for artefact, kappa, heuristic_kappa in (
        ("hair", 0.8, 0.4),
        ("ruler", 0.8, 0.6),
        ("dark_corner", 0.8, 0.6),
    ):
        check = check_artefact(
            labels, labels.index.to_series().map(lambda at, name=artefact: scores[at][name]), artefact
        )
        assert check["kappa"] > kappa
        assert check["heuristic_kappa"] > heuristic_kappa
        below, above = check["best_threshold_on_choosing_half"]
        assert below < THRESHOLDS[artefact] <= above
