"""A stored image in, a reading out."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ml.bundle.folder import Bundle
from ml.bundle.manifest import MalignantThresholds, MelanomaThresholds, QualityRule, RefusedThresholds, Thresholds
from ml.serve.image_io import ImageRejected, normalise_upload
from ml.serve.interpretation import DETECTED, Outcome, interpret, score
from ml.serve.predictor import Predictor
from ml.taxonomy import CLASSES
from tests.ml import pictures


def test_what_a_detector_refuses_is_referred_without_figures_cases_or_flags_of_the_lesion(predictor: Predictor) -> None:
    manifest = predictor.bundle.manifest
    thresholds = replace(manifest.thresholds, refused=RefusedThresholds(0.0, ""))
    everything = tuple(QualityRule(name, name, None, -1.0, 0.0) for name in ("bright", "lesion_area", "hair"))
    changed = replace(manifest, thresholds=thresholds, quality=replace(manifest.quality, flags=everything))
    observation = predictor.observe(normalise_upload(pictures.jpeg()).data)  # drawn, and so refused
    reading = interpret(observation, changed, predictor.detector)
    assert (reading.outcome, reading.is_read) == (Outcome.REFER_UNCERTAIN, False)
    assert reading.reason in DETECTED
    assert reading.flags == ("bright",)
    assert predictor.conclude(observation).similar_cases == ()


def test_what_the_manifest_excludes_is_not_assessed_where_it_is_declared(predictor: Predictor) -> None:
    stored = normalise_upload(pictures.jpeg()).data
    excluded = predictor.bundle.manifest.not_assessable_where
    assert set(excluded) == {"nail", "mucosa", "eyelid", "ulcer", "tattoo"}
    for code in excluded:
        reading = predictor.read(stored, declared=("back", code))
        assert (reading.outcome, reading.reason) == (Outcome.NOT_ASSESSABLE, code)
    assert predictor.read(stored, declared=("back",)).reason == predictor.read(stored).reason


def test_a_reading_agrees_with_itself(predictor: Predictor) -> None:
    reading = predictor.read(normalise_upload(pictures.jpeg()).data)
    manifest = predictor.bundle.manifest
    assert reading.logits.shape == (2, 7)
    assert reading.embedding.shape == (2, 1280)
    assert reading.probabilities.sum() == pytest.approx(1)
    assert reading.balanced_scores.sum() == pytest.approx(1)
    assert reading.malignant_probability == pytest.approx(reading.probabilities[[0, 2, 3]].sum())
    assert np.array_equal(score(reading.logits, manifest)[0], reading.probabilities)
    assert reading.reason in DETECTED  # it is drawn
    assert set(reading.prediction_set) >= {CLASSES[reading.balanced_scores.argmax()]}
    assert {"sharpness", "lesion_area", "hair", "dermoscopy", "distance"} <= set(reading.measures)
    assert reading.runtime == "onnx"
    assert set(reading.milliseconds) == {"decode", "network", "total"}
    assert reading.milliseconds["decode"] + reading.milliseconds["network"] <= reading.milliseconds["total"]


def test_a_blank_frame_is_not_assessable_and_keeps_its_logits(predictor: Predictor) -> None:
    stored = normalise_upload(pictures.save(Image.new("RGB", (300, 300), (90, 90, 90)), "PNG")).data
    reading = predictor.read(stored)
    assert (reading.outcome, reading.reason) == (Outcome.NOT_ASSESSABLE, "blank_frame")
    assert np.isfinite(reading.logits).all()


def test_the_same_bytes_give_the_same_logits_in_any_thread(predictor: Predictor) -> None:
    stored = normalise_upload(pictures.jpeg()).data
    with ThreadPoolExecutor(4) as pool:
        readings = list(pool.map(predictor.read, [stored] * 8))
    assert all(np.array_equal(reading.logits, readings[0].logits) for reading in readings)


def test_damaged_bytes_are_told_of(predictor: Predictor) -> None:
    with pytest.raises(ImageRejected):
        predictor.read(b"not an image")


@pytest.mark.parametrize(
    ("size", "shape"), [((640, 480), (120, 160)), ((480, 640), (160, 120)), ((1280, 480), (60, 160))]
)
def test_the_activation_map_has_the_frame_of_the_whole_image(
    predictor: Predictor, size: tuple[int, int], shape: tuple[int, int]
) -> None:
    stored = normalise_upload(pictures.jpeg(pictures.draw_lesion(*size))).data
    heat = predictor.activation_map(stored)
    assert heat.shape == shape
    assert heat.dtype == np.float32
    assert (float(heat.min()), float(heat.max())) == (0.0, 1.0)
    # No view reaches the outermost twentieth of a side.
    assert float(heat[:2].max()) == float(heat[:, :2].max()) == 0.0


def test_the_runtimes_give_the_same_reading(bundle: Bundle, predictor: Predictor) -> None:
    stored = normalise_upload(pictures.jpeg()).data
    other = Predictor(bundle, "torchscript").read(stored)
    assert other.runtime == "torchscript"
    assert np.abs(predictor.read(stored).logits - other.logits).max() <= 1e-4


def test_the_manifest_and_not_the_code_decides_the_thresholds(predictor: Predictor) -> None:
    everything = Thresholds(MalignantThresholds(0.0, 0.0, ""), MelanomaThresholds(0.0, ""))
    manifest = predictor.bundle.manifest
    rules = replace(manifest.quality, colour_from=0.0, altered=None)  # it is drawn
    changed = replace(manifest, thresholds=everything, quality=rules)
    observation = predictor.observe(normalise_upload(pictures.jpeg()).data)
    assert interpret(observation, changed, None).outcome is Outcome.SUSPICIOUS
