"""What a bundle is fitted on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ml.build import fit_operating_points, fit_quality, measure_target_prior
from ml.bundle import Bundle
from ml.data.isic import Dataset, Record
from ml.image_io import normalise_upload
from ml.predictor import Predictor
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


def test_operating_points_hold_on_the_images_that_they_were_fitted_on(bundle: Bundle, records: list[Record]) -> None:
    temperature, thresholds = fit_operating_points(bundle, records, "9", progress=False)
    fitted = replace(bundle, manifest=replace(bundle.manifest, temperature=temperature, thresholds=thresholds))
    predictor = Predictor(fitted, "onnx")
    sums = [predictor.read(normalise_upload(each.path.read_bytes()).data).malignant_probability for each in records]
    low, high = thresholds.malignant.low_risk_below, thresholds.malignant.suspicious_from
    ill, well = np.array(sums[::2]), np.array(sums[1::2])
    assert (ill >= low).mean() >= 0.95
    assert (well < high).mean() >= 0.90
    assert low <= high
    assert "fold 9 (20 malignant of 40 images)" in thresholds.malignant.how


def test_quality_limits_lie_at_the_ends_of_what_was_measured(bundle: Bundle, records: list[Record]) -> None:
    quality = fit_quality(records, bundle, progress=False)
    assert quality.dark_below < quality.overexposed_above
    assert 0 < quality.blank_below < quality.low_contrast_below
    assert "0.5 % of the 40 photographs" in quality.how
