"""Masks are compared as reckoned by hand, and Otsu's threshold and Spearman's correlation as others compute them."""

from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import skimage.filters
from PIL import Image

from ml.data.masks import find_otsu_threshold, shrink_mask
from ml.evaluation.segmentation import (
    dice_of,
    measure_masks,
    overlap,
    threshold_by_otsu,
)
from ml.metrics.ranks import correlate_ranks, rank
from tests.ml.pictures import draw_lesion


def mask(*columns: int) -> np.ndarray:
    found = np.zeros((12, 16), bool)
    found[:, list(columns)] = True
    return found


def test_overlaps_are_what_is_shared_of_what_either_has() -> None:
    assert overlap(mask(0, 1, 2), mask(1, 2, 3)) == pytest.approx(2 / 4)
    assert overlap(mask(), mask()) == 1
    assert overlap(mask(0), mask()) == 0
    # Dice of the first pair: twice two columns over three and three.
    assert dice_of(np.array([2 / 4])) == pytest.approx(2 * 2 / 6)


def test_ranks_and_their_correlation_are_scipys() -> None:
    random = np.random.default_rng(1)
    one, other = random.integers(0, 9, 60).astype(float), random.normal(size=60)
    assert rank(one) == pytest.approx(scipy.stats.rankdata(one))
    assert correlate_ranks(one=one, other=other) == pytest.approx(scipy.stats.spearmanr(one, other).statistic)
    assert correlate_ranks(one=one, other=np.ones(60)) == 0


def test_otsus_threshold_is_scikit_images() -> None:
    random = np.random.default_rng(2)
    values = np.clip(np.concatenate((random.normal(70, 12, 500), random.normal(180, 20, 1500))), 0, 255)
    levels = values.astype(np.uint8)
    theirs = skimage.filters.threshold_otsu(levels)  # type: ignore[no-untyped-call] # it ships no types
    assert find_otsu_threshold(np.bincount(levels, minlength=256)) == theirs
    assert find_otsu_threshold(np.bincount(np.full(9, 40), minlength=256)) == 0


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "lesion.jpg"
    draw_lesion(640, 480).save(path, quality=95)
    return path


def test_otsu_finds_the_dark_patch_of_a_pale_picture(picture: Path) -> None:
    found = threshold_by_otsu(picture, (120, 160))
    assert found[50, 70]
    assert not found[10, 10]


def test_a_fold_of_masks_is_described_with_intervals(picture: Path) -> None:
    drawn = [mask(*range(2, 8)), mask(*range(4, 12)), mask(*range(1, 4))]
    found = [mask(*range(2, 8)), mask(*range(5, 12)), mask(1, 2)]
    described = measure_masks(found, drawn, [picture] * 3, ["a", "b", "c"])
    jaccards = [1, 7 / 8, 2 / 3]
    assert described["images"] == 3
    assert described["jaccard"]["value"] == pytest.approx(np.mean(jaccards), abs=1e-4)
    assert described["dice"]["value"] == pytest.approx(np.mean([2 * each / (1 + each) for each in jaccards]), abs=1e-4)
    assert described["jaccard"]["low"] <= described["jaccard"]["value"] <= described["jaccard"]["high"]
    assert described["jaccard_over_0.65"] == described["jaccard"]
    assert described["rank_correlation"]["lesion_area"] == pytest.approx(1)
    dice, otsu = described["dice"]["value"], described["otsu_dice"]["value"]
    assert described["dice_less_otsu"]["value"] == pytest.approx(dice - otsu, abs=2e-4)


def test_a_mask_drawn_by_people_is_made_small_by_majority(tmp_path: Path) -> None:
    pixels = np.zeros((48, 64), np.uint8)
    pixels[:, :30] = 255
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    assert shrink_mask(tmp_path / "mask.png", (16, 12)).sum(axis=0).tolist() == [12] * 7 + [12] + [0] * 8
