"""A mask of the lesion is laid where its view lies, and measured alike at every size."""

import numpy as np
import pytest

from ml.bundle.manifest import InputSpec, ViewSpec
from ml.serve.lesion_mask import grid_size, lay_mask, measure_asymmetry, measure_lesion, widest_view


def ellipse(width: int, height: int, *, across: float = 0.3, down: float = 0.2) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.asarray(np.hypot((columns / width - 0.5) / across, (rows / height - 0.5) / down) < 1)


def test_the_grid_has_the_shape_of_the_picture_at_one_size() -> None:
    assert grid_size(600, 450) == (160, 120)
    assert grid_size(3000, 4000) == (120, 160)
    assert grid_size(5000, 3) == (160, 1)


def test_the_widest_view_lies_where_it_was_cut_and_its_edge_goes_on_outwards() -> None:
    views = (ViewSpec("near", 0.25), ViewSpec("wide", 0.5))
    spec = InputSpec(320, views, 4 / 3, "bicubic", (0.5,) * 3, (0.5,) * 3, "NHWC")
    assert widest_view(spec) == 1
    logits = np.full((4, 4), -5.0)
    logits[:, 3] = 5.0
    mask = lay_mask(logits, 600, 450, spec)
    # The view's columns are 40 to 120 of 160, and its last quarter begins at 100.
    assert mask.shape == (120, 160)
    assert not mask[:, :98].any()
    assert mask[:, 102:].all()


def test_an_ellipse_has_its_area_touches_no_border_and_is_symmetric() -> None:
    measures = measure_lesion(ellipse(160, 120))
    assert measures["lesion_area"] == pytest.approx(np.pi * 0.3 * 0.2, rel=0.02)
    assert measures["lesion_at_edge"] == 0
    assert measures["lesion_asymmetry"] < 0.05


def test_a_lesion_over_the_whole_left_half_covers_half_of_the_border() -> None:
    mask = np.zeros((60, 80), bool)
    mask[:, :40] = True
    # The border has 80 + 80 + 58 + 58 places, of which 40 + 40 + 58 are lesion.
    assert measure_lesion(mask)["lesion_at_edge"] == pytest.approx(138 / 276)


def test_a_square_without_a_quarter_is_as_asymmetric_as_reckoned_by_hand() -> None:
    # Quarters of side 1, so an area of 3 and the centroid at (5/6, 5/6). About its diagonal it meets itself wholly.
    # About the other axis (x, y) goes to (5/3 - y, 5/3 - x): they meet in 25/9 - 4/9 - 4/9 = 17/9 of 6 - 17/9 = 37/9.
    shape = np.zeros((100, 100), bool)
    shape[20:80, 20:80] = True
    shape[50:80, 50:80] = False
    assert measure_asymmetry(shape) == pytest.approx(1 - (1 + 17 / 37) / 2, abs=0.001)


def test_where_there_is_no_lesion_all_measures_are_zero() -> None:
    assert set(measure_lesion(np.zeros((12, 16), bool)).values()) == {0.0}


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_asymmetry_does_not_depend_on_how_the_picture_is_turned(turns: int) -> None:
    shape = ellipse(160, 120)
    shape[60:, 80:110] = False
    assert measure_asymmetry(np.rot90(shape, turns)) == pytest.approx(measure_asymmetry(shape), abs=0.02)
