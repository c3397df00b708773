"""Photographs unfit to be read are flagged, and only blank frames refused."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter

from ml.bundle import Bundle
from ml.quality import Quality, QualityRule, QualityRules, measure
from ml.quality import assess as assess_measures
from tests.ml.pictures import draw_lesion


@pytest.fixture
def rules(bundle: Bundle) -> QualityRules:
    return bundle.manifest.quality


def assess(image: npt.NDArray[np.uint8], rules: QualityRules) -> Quality:
    return assess_measures(measure(image), rules)


def scale(factor: float, offset: float = 0) -> npt.NDArray[np.uint8]:
    return np.clip(np.asarray(draw_lesion()) * factor + offset, 0, 255).astype(np.uint8)


def test_a_good_picture_raises_no_flag(rules: QualityRules) -> None:
    quality = assess(np.asarray(draw_lesion(640, 480)), rules)
    assert (quality.flags, quality.not_assessable) == ((), None)


@pytest.mark.parametrize(
    ("image", "flag"),
    [
        (np.asarray(draw_lesion().filter(ImageFilter.GaussianBlur(9))), "blurred"),
        (scale(0.4), "dark"),
        (scale(1.3, 60), "overexposed"),
        (scale(0.05, 180), "low_contrast"),
    ],
)
def test_each_fault_raises_its_flag(image: npt.NDArray[np.uint8], flag: str, rules: QualityRules) -> None:
    quality = assess(image, rules)
    assert flag in quality.flags
    assert quality.not_assessable is None


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_blank_frame_is_not_assessable(grey: int, rules: QualityRules) -> None:
    assert assess(np.full((240, 320, 3), grey, np.uint8), rules).not_assessable == "blank_frame"


def test_measures_hardly_depend_on_the_size_of_the_picture() -> None:
    picture = draw_lesion(1920, 1440)
    large = measure(np.asarray(picture))
    small = measure(np.asarray(picture.resize((640, 480), Image.Resampling.BOX)))
    assert small["sharpness"] == pytest.approx(large["sharpness"], rel=0.15)
    assert small["bright"] == pytest.approx(large["bright"], abs=2)


@pytest.mark.parametrize("size", [(1, 1), (2, 500), (500, 2)])
def test_the_smallest_pictures_are_measured_too(size: tuple[int, int], rules: QualityRules) -> None:
    assert assess(np.asarray(Image.new("RGB", size)), rules).not_assessable == "blank_frame"


@pytest.mark.parametrize(("value", "flags"), [(0.19, ("few",)), (0.2, ()), (0.8, ()), (0.81, ("many",)), (None, ())])
def test_a_flag_is_raised_beyond_its_limit_and_not_at_it(value: float | None, flags: tuple[str, ...]) -> None:
    rules = QualityRules(
        (QualityRule("few", "hair", 0.2, None, 0.01), QualityRule("many", "hair", None, 0.8, 0.01)), 2.0, ""
    )
    measures = {"spread": 50.0} | ({} if value is None else {"hair": value})
    assert assess_measures(measures, rules).flags == flags
