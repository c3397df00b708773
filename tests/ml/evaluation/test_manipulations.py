"""Altered photographs are altered as their names say."""

import numpy as np
import pytest
from PIL import Image

from ml.evaluation.manipulations import DRAWS, MANIPULATIONS, draw_manipulation
from tests.ml.pictures import draw_lesion

PICTURE = draw_lesion(320, 240)


def pixels(kind: str, strength: str) -> np.ndarray:
    return np.asarray(MANIPULATIONS[kind][strength](PICTURE)).astype(int)


@pytest.mark.parametrize("kind", MANIPULATIONS)
def test_every_kind_has_three_strengths_that_differ_and_keep_the_size(kind: str) -> None:
    made = [np.asarray(change(PICTURE)) for change in MANIPULATIONS[kind].values()]
    assert len(made) == 3
    assert {each.shape for each in made} == {(240, 320, 3)}
    assert len({each.tobytes() for each in [*made, np.asarray(PICTURE)]}) == 4


def test_there_are_at_least_twelve_kinds_and_each_can_be_drawn() -> None:
    assert len(MANIPULATIONS) >= 12
    assert len(DRAWS) == len(MANIPULATIONS)
    for number in range(60):
        change = draw_manipulation(np.random.default_rng(number))
        assert np.array_equal(np.asarray(change(PICTURE)), np.asarray(change(PICTURE))), "the same each time"


def test_by_hand() -> None:
    original = np.asarray(PICTURE).astype(int)
    assert np.array_equal(pixels("negative", "all"), 255 - original)
    assert np.array_equal(pixels("channel swap", "BGR for RGB"), original[..., ::-1])
    assert set(np.unique(pixels("posterised", "2 levels"))) <= {0, 255}
    assert set(np.unique(pixels("halftone", "dots of 2"))) <= {0, 255}
    grey = pixels("grey", "pure")
    assert np.abs(grey - grey.mean(axis=2, keepdims=True)).max() <= 1
    dyed = Image.new("RGB", (1, 1), (200, 100, 50))
    assert MANIPULATIONS["colour filter"]["green"](dyed).getpixel((0, 0)) == (100, 100, 30)
    turned = MANIPULATIONS["hue turn"]["180°"](Image.new("RGB", (1, 1), (255, 0, 0))).getpixel((0, 0))
    assert turned == pytest.approx((0, 255, 255), abs=4), "hues have 256 steps"
    corner, middle = pixels("vignette", "corners 100% darker")[[0, 120], [0, 160]]
    assert corner.max() == 0
    assert np.array_equal(middle, original[120, 160])
