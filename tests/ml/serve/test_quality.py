"""Photographs unfit to be read are flagged; blank frames, and those without colour or altered, are refused."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter, ImageOps

from ml.bundle.folder import Bundle
from ml.bundle.manifest import AlteredRule, QualityRule, QualityRules
from ml.evaluation.manipulations import MANIPULATIONS
from ml.serve import appearance
from ml.serve.image_io import decode_stored, normalise_upload
from ml.serve.quality import find_alteration, find_flags, find_plain_refusal, measure_quality
from tests.ml.pictures import draw_lesion


@dataclass(frozen=True)
class Quality:
    """What a picture is flagged as, and why it is not read."""

    flags: tuple[str, ...]
    not_assessable: str | None


SPECKLED = np.random.default_rng(1).integers(-60, 60, (60, 80, 3))


def draw_coloured() -> Image.Image:
    """A lesion whose colour varies beside its light, as that of skin does."""
    speckles = Image.fromarray((128 + SPECKLED).astype(np.uint8)).resize((640, 480), Image.Resampling.BICUBIC)
    return Image.blend(draw_lesion(640, 480), speckles, 0.3)


@pytest.fixture
def rules(bundle: Bundle) -> QualityRules:
    return bundle.manifest.quality


def assess(image: npt.NDArray[np.uint8], rules: QualityRules) -> Quality:
    measures = measure_quality(image)
    return Quality(find_flags(measures, rules), find_plain_refusal(measures, rules))


def scale(factor: float, offset: float = 0) -> npt.NDArray[np.uint8]:
    return np.clip(np.asarray(draw_coloured()) * factor + offset, 0, 255).astype(np.uint8)


def test_a_good_picture_raises_no_flag(rules: QualityRules) -> None:
    quality = assess(np.asarray(draw_coloured()), rules)
    assert (quality.flags, quality.not_assessable) == ((), None)


@pytest.mark.parametrize(
    ("image", "flag", "refusal"),
    [
        (np.asarray(draw_coloured().filter(ImageFilter.GaussianBlur(18))), "blurred", None),
        (scale(0.4), "dark", "without_colour"),
        (scale(1.3, 60), "overexposed", None),
        (scale(0.05, 180), "low_contrast", "without_colour"),
    ],
)
def test_each_fault_raises_its_flag(
    image: npt.NDArray[np.uint8], flag: str, refusal: str | None, rules: QualityRules
) -> None:
    quality = assess(image, rules)
    assert flag in quality.flags
    assert quality.not_assessable == refusal, "what is very dark or pale has hardly any colour left"


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_blank_frame_is_not_assessable(grey: int, rules: QualityRules) -> None:
    quality = assess(np.full((240, 320, 3), grey, np.uint8), rules)
    assert (quality.flags, quality.not_assessable) == ((), "blank_frame"), "that there is nothing to see says all"


def test_measures_hardly_depend_on_the_size_of_the_picture() -> None:
    picture = draw_lesion(1920, 1440)
    large = measure_quality(np.asarray(picture))
    small = measure_quality(np.asarray(picture.resize((640, 480), Image.Resampling.BOX)))
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
    assert find_flags(measures, rules) == flags


GREY: dict[str, Callable[[Image.Image], Image.Image]] = {
    "L": lambda picture: picture.convert("L").convert("RGB"),
    "with noise": MANIPULATIONS["grey"]["colour noise of 4"],
    "tinted": MANIPULATIONS["sepia"]["25%"],
    "sepia": MANIPULATIONS["sepia"]["100%"],
    "red filter": lambda picture: picture.getchannel("R").convert("RGB"),
}


@pytest.mark.parametrize("change", GREY.values(), ids=GREY)
def test_a_photograph_without_colour_is_not_read(
    change: Callable[[Image.Image], Image.Image], rules: QualityRules
) -> None:
    picture = draw_coloured()
    assert assess(np.asarray(picture), rules).not_assessable is None
    assert assess(np.asarray(change(picture)), rules).not_assessable == "without_colour"


def test_an_altered_picture_is_told_by_a_weighted_sum_of_measures_and_squares() -> None:
    rule = AlteredRule(
        ("a", "b"), centre=(1.0, 0.0), deviation=(2.0, 1.0), weights=(1.0, 0.0, 0.0, 2.0), above=3.0, share=0
    )
    rules = QualityRules((), 0.0, "", altered=rule)
    # (a - 1) / 2 + 2 * b² / 4, with b kept within six.
    assert find_alteration({"a": 3.0, "b": 2.0}, rules) is None  # 1 + 2 = 3, not above
    assert find_alteration({"a": 3.1, "b": 2.0}, rules) == "altered"
    assert find_alteration({"a": -29.0, "b": 99.0}, rules) == "altered"  # -6 + 18: both kept within six deviations
    assert find_alteration({"a": 9.0}, rules) is None, "not all measures were taken"


def test_appearance_is_measured_of_any_picture() -> None:
    for picture in (np.zeros((240, 320, 3)), np.full((320, 240, 3), 255), SPECKLED[:48, :64] + 128):
        measures = appearance.measure_appearance(picture.astype(np.uint8))
        assert tuple(measures) == appearance.NAMES
        assert np.isfinite(list(measures.values())).all()


def save(picture: Image.Image, file_format: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, file_format, **options)
    return out.getvalue()


def noisy(picture: Image.Image) -> bytes:
    noise = np.random.default_rng(0).normal(0, 3, (picture.height, picture.width, 3))
    grey = np.asarray(picture.convert("L").convert("RGB")) + noise
    return save(Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)), "JPEG", quality=40)


GREY_FILES: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG": lambda picture: save(picture.convert("L"), "JPEG"),
    "JPEG with noise in each channel": noisy,
    "PNG with alpha": lambda picture: save(picture.convert("LA"), "PNG"),
    "PNG of one bit": lambda picture: save(picture.convert("1"), "PNG"),
    "TIFF of 16 bits": lambda picture: save(
        Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257), "TIFF"
    ),
    "green filter": lambda picture: save(picture.getchannel("G"), "JPEG"),
    "duotone": lambda picture: save(ImageOps.colorize(picture.convert("L"), "#2a0a40", "#ffe0a0"), "JPEG"),
    "print on white paper": lambda picture: save(ImageOps.expand(picture.convert("L"), 40, 235), "JPEG"),
}


@pytest.mark.parametrize("write", GREY_FILES.values(), ids=GREY_FILES)
def test_files_without_colour_are_not_read_whatever_their_format(
    write: Callable[[Image.Image], bytes], rules: QualityRules
) -> None:
    pixels = decode_stored(normalise_upload(write(draw_coloured())).data)
    assert assess(pixels, rules).not_assessable == "without_colour"
