"""Handcrafted features against values worked out by hand."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from ml.baselines.handcrafted import (
    FEATURE_COUNT,
    FEATURE_COUNTS,
    HU_SCALE,
    count_patterns,
    describe_lesion,
    keep_largest,
    measure_asymmetry,
    measure_gradients,
    measure_histograms,
    measure_moments,
    measure_shape,
    segment_by_otsu,
    to_channels,
)

Mask = npt.NDArray[np.bool_]
SKIN, DARK = (224, 180, 160), (90, 50, 40)


def draw_disc(height: int, width: int, *, radius: float) -> Mask:
    y, x = np.mgrid[:height, :width]
    return np.asarray((y - height // 2) ** 2 + (x - width // 2) ** 2 <= radius**2)


def draw_triangle(side: int, *, base: float, height: float) -> Mask:
    """Isosceles, standing on its point."""
    y, x = np.mgrid[:side, :side]
    half_width = base / 2 * (1 - (y - 20) / height)
    return np.asarray((y >= 20) & (y < 20 + height) & (np.abs(x - side // 2) <= half_width))


def paint(lesion: Mask) -> npt.NDArray[np.uint8]:
    return np.where(lesion[..., np.newaxis], np.array(DARK, np.uint8), np.array(SKIN, np.uint8))


def group(name: str) -> slice:
    """Where a group lies in the vector."""
    names = list(FEATURE_COUNTS)
    start = sum(FEATURE_COUNTS[before] for before in names[: names.index(name)])
    return slice(start, start + FEATURE_COUNTS[name])


def test_colour_moments_of_four_values() -> None:
    # Values 0, 0, 0, 1: mean 1/4, deviation sqrt(3)/4, third central moment (3 (-1/4)^3 + (3/4)^3) / 4 = 3/32.
    moments = measure_moments(np.array([[0.0], [0.0], [0.0], [1.0]]))
    assert moments == pytest.approx([0.25, 3**0.5 / 4, (3 / 32) ** (1 / 3)])


def test_a_histogram_has_eight_bins_a_channel_and_keeps_what_lies_outside() -> None:
    shares = measure_histograms(np.array([[0.0, -1.0], [0.124, 0.5], [0.126, 1.0], [0.99, 7.0]]))
    assert shares.tolist() == [0.5, 0.25, 0, 0, 0, 0, 0, 0.25, 0.25, 0, 0, 0, 0.25, 0, 0, 0.5]


def test_pure_red_has_its_known_coordinates_in_every_colour_space() -> None:
    red = to_channels(np.full((2, 2, 3), (255, 0, 0), np.uint8))[0, 0]
    # Hue 0 turned to the middle; L*a*b* of sRGB red is 53.24, 80.09, 67.20 (D65).
    expected = [1, 0, 0, 0.5, 1, 1, 0.5324, 1.2009, 1.0720]
    assert red == pytest.approx(expected, abs=2e-3)


def test_a_flat_region_has_one_local_pattern() -> None:
    grey = np.full((40, 40), 128, np.uint8)
    inside = draw_disc(40, 40, radius=10)
    shares = count_patterns(grey, (inside,))
    # No neighbour is darker than its centre: all 8 (or 16) bits are set.
    assert np.flatnonzero(shares).tolist() == [8, 10 + 16]
    assert shares[[8, 26]].tolist() == [1, 1]


def test_vertical_stripes_have_horizontal_gradients() -> None:
    stripes = np.tile(np.repeat(np.array([0, 255], np.uint8), 4), (96, 12))
    gradients = measure_gradients(stripes, np.ones((96, 96), bool)).reshape(-1, 9)
    assert (gradients.argmax(axis=1) == gradients[0].argmax()).all()
    turned = measure_gradients(np.ascontiguousarray(stripes.T), np.ones((96, 96), bool)).reshape(-1, 9)
    assert (np.abs(turned.argmax(axis=1) - gradients.argmax(axis=1)) >= 4).all()


def test_the_shape_of_a_disc() -> None:
    shape = measure_shape(draw_disc(201, 301, radius=80))
    area, perimeter, compactness, eccentricity, solidity, extent, major, minor = shape[:8]
    assert area == pytest.approx(np.pi * 80**2 / (201 * 301), rel=0.01)
    assert perimeter == pytest.approx(2 * np.pi**0.5, rel=0.02)
    assert compactness == pytest.approx(1, rel=0.02)
    assert eccentricity == pytest.approx(0, abs=0.05)
    assert solidity > 0.98
    assert extent == pytest.approx(np.pi / 4, rel=0.02)
    assert major == pytest.approx(minor, rel=0.01)
    assert major == pytest.approx(2 / np.pi**0.5, rel=0.01)
    # Hu's first moment of a disc is 1 / (2 pi), the others vanish.
    assert np.expm1(shape[8]) / HU_SCALE == pytest.approx(1 / (2 * np.pi), rel=0.01)
    assert shape[9:15] == pytest.approx(np.zeros(6), abs=0.2)
    assert shape[15:] == pytest.approx([0, 0], abs=0.02)


def test_the_shape_of_a_rectangle_twice_as_long_as_high() -> None:
    lesion = np.zeros((120, 200), bool)
    lesion[30:90, 40:160] = True
    shape = measure_shape(lesion)
    assert shape[0] == 60 * 120 / (120 * 200)
    assert shape[3] == pytest.approx(3**0.5 / 2, abs=0.01)  # sqrt(1 - 1/4)
    assert shape[4:6] == pytest.approx([1, 1])
    assert shape[15:] == pytest.approx([0, 0], abs=0.02)


@pytest.mark.parametrize("degrees", [0, 33, 90])
def test_a_tall_triangle_is_symmetric_about_its_height_and_half_so_across_it(degrees: float) -> None:
    # Mirrored about its centroid, a triangle and its image share a third of base times height, of two halves less that.
    turn = cv2.getRotationMatrix2D((130, 130), degrees, 1)
    triangle = cv2.warpAffine(draw_triangle(260, base=100, height=200).astype(np.uint8), turn, (260, 260)) > 0
    about_height, across = measure_asymmetry(triangle)
    assert about_height == pytest.approx(0, abs=0.04)
    assert across == pytest.approx(0.5, abs=0.03)


def test_the_largest_region_is_kept_and_its_hole_filled() -> None:
    mask = draw_disc(101, 101, radius=30)
    whole = mask.copy()
    mask[45:55, 45:55] = False
    mask[:5, :5] = True
    np.testing.assert_array_equal(keep_largest(mask), whole)


def test_nothing_is_kept_of_a_speck() -> None:
    mask = np.zeros((200, 200), bool)
    mask[10:14, 10:14] = True
    assert keep_largest(mask) is None
    assert keep_largest(np.zeros((200, 200), bool)) is None


def test_otsu_finds_the_dark_disc_and_not_the_dark_corner() -> None:
    lesion = draw_disc(192, 256, radius=40)
    picture = paint(lesion)
    picture[:60, :60] = 0
    found = segment_by_otsu(picture)
    assert (found & lesion).sum() / (found | lesion).sum() > 0.9


def test_a_flat_picture_is_taken_whole() -> None:
    found = segment_by_otsu(np.full((100, 150, 3), SKIN, np.uint8))
    assert found.mean() == pytest.approx(np.pi / 4, rel=0.03)


@pytest.mark.parametrize("mask", ["given", "empty", "full", "none"])
def test_every_picture_gets_finite_features_of_one_length(mask: str) -> None:
    lesion = draw_disc(240, 320, radius=50)
    masks = {"given": lesion, "empty": lesion & False, "full": lesion | True, "none": None}
    features = describe_lesion(paint(lesion), masks[mask])
    assert features.shape == (FEATURE_COUNT,)
    assert np.isfinite(features).all()


def test_a_mask_decides_what_counts_as_lesion() -> None:
    lesion = draw_disc(240, 320, radius=50)
    features = describe_lesion(paint(lesion), lesion)
    moments = features[group("colour moments")]
    assert moments[:3] == pytest.approx(np.array(DARK) / 255, abs=0.02)
    assert moments[27:30] == pytest.approx(np.array(SKIN) / 255, abs=0.02)
    assert features[group("shape")][0] == pytest.approx(np.pi * 50**2 / (240 * 320), rel=0.02)


def test_an_image_and_its_enlargement_have_like_features() -> None:
    lesion = draw_disc(192, 256, radius=40)
    small, large = paint(lesion), cv2.resize(paint(lesion), (512, 384), interpolation=cv2.INTER_NEAREST)
    large_mask = cv2.resize(lesion.astype(np.uint8), (512, 384), interpolation=cv2.INTER_NEAREST) > 0
    first, second = describe_lesion(small, lesion), describe_lesion(np.asarray(large, np.uint8), large_mask)
    assert first[group("colour moments")] == pytest.approx(second[group("colour moments")], abs=0.05)
    assert first[group("shape")][:8] == pytest.approx(second[group("shape")][:8], abs=0.05)
