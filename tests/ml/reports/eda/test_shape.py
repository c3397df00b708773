"""Area and asymmetry of masks whose values can be worked out by hand."""

import cv2
import numpy as np
import pytest

from ml.reports.eda.shape import measure_shape


def test_an_ellipse_is_symmetric_however_it_is_turned() -> None:
    for degrees in (0, 30, 77):
        mask = cv2.ellipse(np.zeros((300, 400), np.uint8), (180, 140), (90, 50), degrees, 0, 360, 255, -1)
        assert measure_shape(mask.astype(np.uint8))["asymmetry"] < 0.04


def test_area_is_the_share_of_the_picture() -> None:
    mask = np.zeros((100, 200), np.uint8)
    mask[20:70, 50:150] = 255
    shape = measure_shape(mask)
    assert shape["area"] == pytest.approx(0.25)
    assert shape["cut_off"] == 0


def test_a_triangle_overlaps_its_mirror_image_as_geometry_says() -> None:
    # Apex up, base 2, height 3, centroid 1 above the base: its own image about the upright axis. Mirrored about the
    # level axis its width at height y is the lesser of 2 − 2y/3 and 2/3 + 2y/3, for y from 0 to 2: an area of 2 of 3,
    # so an overlap of 2 ÷ (3 + 3 − 2) = 0.5. The mean of the losses 0 and 0.5 is 0.25.
    mask = np.zeros((500, 500), np.uint8)
    cv2.fillPoly(mask, [np.array([(250, 100), (350, 400), (150, 400)])], 255)
    assert measure_shape(mask)["asymmetry"] == pytest.approx(0.25, abs=0.01)


def test_a_mask_at_the_edge_is_cut_off_and_an_empty_one_has_no_asymmetry() -> None:
    mask = np.zeros((100, 100), np.uint8)
    assert np.isnan(measure_shape(mask)["asymmetry"])
    assert measure_shape(mask)["area"] == 0
    mask[40:60, 0:30] = 255
    assert measure_shape(mask)["cut_off"] == 1
