"""From a picture to the network's views."""

import numpy as np
import pytest
from PIL import Image

from ml.bundle.folder import Bundle
from ml.bundle.manifest import InputSpec, ViewSpec
from ml.serve.preprocess import view_boxes, views

SPEC = InputSpec(
    size=32,
    views=(ViewSpec("whole", 1.0), ViewSpec("half", 0.5)),
    max_aspect_ratio=4 / 3,
    interpolation="bicubic",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    layout="NHWC",
)


@pytest.mark.parametrize(
    ("size", "boxes"),
    [
        ((400, 300), [(0, 0, 400, 300), (100, 75, 300, 225)]),
        ((300, 300), [(0, 0, 300, 300), (75, 75, 225, 225)]),
        ((300, 400), [(0, 0, 300, 400), (75, 100, 225, 300)]),
        ((800, 300), [(200, 0, 600, 300), (300, 75, 500, 225)]),
        ((300, 800), [(0, 200, 300, 600), (75, 300, 225, 500)]),
    ],
)
def test_views_are_central_and_no_longer_than_four_to_three(
    size: tuple[int, int], boxes: list[tuple[float, float, float, float]]
) -> None:
    assert np.allclose(view_boxes(*size, SPEC), boxes)


def test_a_view_sees_its_box_and_no_further_than_the_filter_reaches() -> None:
    image = np.full((300, 400, 3), 255, np.uint8)
    image[75:225, 100:300] = 40
    whole, half = views(image, SPEC)
    assert np.unique(half[2:-2, 2:-2]).tolist() == [40]
    assert whole.max() == 255


def test_a_large_picture_is_antialiased() -> None:
    stripes = np.zeros((960, 1280, 3), np.uint8)
    stripes[:, ::2] = 255
    inner = views(stripes, SPEC)[0, 4:-4, 4:-4]
    assert inner.min() > 115
    assert inner.max() < 140


def test_views_are_pillows_bicubic_of_the_box() -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    expected = Image.fromarray(image).crop((100, 75, 300, 225)).resize((32, 32), Image.Resampling.BICUBIC)
    assert np.array_equal(views(image, SPEC)[1, 2:-2, 2:-2], np.asarray(expected)[2:-2, 2:-2])


def test_the_shipped_bundle_reads_two_central_views_at_320(bundle: Bundle) -> None:
    batch = views(np.zeros((450, 600, 3), np.uint8), bundle.manifest.input)
    assert batch.shape == (2, 320, 320, 3)
    assert [view.fraction for view in bundle.manifest.input.views] == [0.9, 0.7]
