"""What a bundle is fitted on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ml.build import measure_target_prior
from ml.bundle import Bundle
from ml.data.isic import Dataset, Record
from ml.evaluation.observe import Observer, from_file
from ml.predictor import Outcome, Predictor, interpret
from ml.refit import fit_decisions, fit_flags, fit_picture_quality
from tests.ml import pictures


def test_the_target_prior_leaves_the_test_fold_out() -> None:
    records = [Record(f"I{number}", Path(), label) for number, label in enumerate([0, 1, 1, 2, 3, 4, 5, 6, 1, 1])]
    split = {record.image_id: "0" for record in records} | {"I1": "test", "I2": "test"}
    prior = measure_target_prior(Dataset(tuple(records), Path()), split)
    assert prior.frequencies == pytest.approx((1 / 8, 2 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 8))
    assert "37.5 % malignant" in prior.description


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    """Forty pictures, half of them malignant by name: the same lesion at many brightnesses and tints."""
    made = []
    generator = np.random.default_rng(2)
    for number in range(40):
        tint = generator.integers(-40, 40, 3)
        pixels = np.clip(np.asarray(pictures.draw_lesion()).astype(int) + tint, 0, 255).astype(np.uint8)
        picture = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(number / 20))
        path = tmp_path / f"I{number}.jpg"
        path.write_bytes(pictures.jpeg(picture))
        made.append(Record(path.stem, path, number % 2))
    return made


def test_decisions_hold_on_the_images_that_they_were_fitted_on(
    bundle: Bundle, predictor: Predictor, records: list[Record]
) -> None:
    observer = Observer(predictor, progress=False)
    observations = observer.observe([from_file(record.path) for record in records], "all")
    manifest = fit_decisions(bundle.manifest, records, observations, "here")
    readings = [interpret(each, manifest, None) for each in observations]
    melanomas = readings[::2]
    assert sum(reading.outcome is Outcome.SUSPICIOUS for reading in melanomas) >= 0.95 * len(melanomas)
    assert all(reading.prediction_set for reading in readings)
    assert [point.score for point in manifest.operating_points] == ["malignant", "melanoma"]
    assert "here (20 melanomas of 40 images)" in manifest.thresholds.melanoma.how
    assert manifest.limits["fitting"]["images"] == 40


def test_quality_limits_lie_at_the_ends_of_what_was_measured(bundle: Bundle, records: list[Record]) -> None:
    quality = fit_picture_quality(records, bundle, progress=False)
    limits = {rule.name: rule for rule in quality.flags}
    dark, overexposed, blurred = (limits[name] for name in ("dark", "overexposed", "blurred"))
    assert dark.below is not None
    assert overexposed.above is not None
    assert dark.below < overexposed.above
    assert quality.blank_below > 0
    assert 0 < blurred.share < 0.1


def test_a_flags_share_is_counted() -> None:
    found = [{"hair": float(number)} for number in range(100)]
    (rule,) = fit_flags((("hair", "hair", "above", 2.0),), found)
    assert rule.above == pytest.approx(97.02)
    assert (rule.below, rule.share) == (None, 0.02)


def test_what_was_observed_is_kept_and_gone_on_from(
    predictor: Predictor, records: list[Record], tmp_path: Path
) -> None:
    makers = [from_file(record.path) for record in records[:3]]
    first = Observer(predictor, kept=tmp_path, progress=False).observe(makers, "Some: pictures")
    unreadable = [lambda: b"not an image"] * 3
    again = Observer(predictor, kept=tmp_path, progress=False).observe(unreadable, "Some: pictures")
    assert [each.measures for each in again] == [each.measures for each in first]
    assert all(np.array_equal(one.logits, other.logits) for one, other in zip(first, again, strict=True))
    assert all(
        np.array_equal(one.late_statistics, other.late_statistics) for one, other in zip(first, again, strict=True)
    )
