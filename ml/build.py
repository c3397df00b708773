"""From a trained network to a calibrated, measured bundle."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn
from tqdm import tqdm

from ml.bundle import (
    Bundle,
    DataSource,
    MalignantThresholds,
    Prior,
    Thresholds,
    write_manifest,
)
from ml.data.isic import Dataset, Record, read_isic
from ml.data.split import SPLIT_SHA256, read_split
from ml.evaluation import evaluate
from ml.evaluation.calibration import fit_temperature
from ml.evaluation.operating_points import threshold_of_sensitivity, threshold_of_specificity
from ml.export import export_bundle
from ml.image_io import decode_stored, normalise_upload
from ml.predictor import DECODED_SIDE_PER_INPUT, Predictor, average_views, calibrate
from ml.preprocess import InputSpec
from ml.quality import QualityThresholds, measure
from ml.taxonomy import CLASSES, MALIGNANT_INDICES

SENSITIVITY, SPECIFICITY = 0.95, 0.90
FLAGGED_PERCENT = 0.5
ROUNDED = 4

UNKNOWN_QUALITY = QualityThresholds(0, 0, 255, 0, 0, "not yet measured")
UNKNOWN_THRESHOLDS = Thresholds(MalignantThresholds(0, 1, "not yet measured"))


@dataclass(frozen=True, slots=True)
class Origin:
    """What the network does not tell of itself: names, how to read it, where it comes from, on whose terms."""

    name: str
    version: str
    architecture: str
    input: InputSpec
    training_prior: Prior
    training: str
    licence: str
    attribution: str


def build_bundle(
    model: nn.Module, out: Path, origin: Origin, data_dir: Path, *, calibration_fold: str = "4", progress: bool = True
) -> Bundle:
    """Export, calibrate on one fold and measure that fold; quality limits come from folds 0 to 3."""
    dataset = read_isic(data_dir)
    split = read_split()
    target = measure_target_prior(dataset, split)
    fields: dict[str, Any] = {
        **{name: getattr(origin, name) for name in Origin.__slots__},
        "created": datetime.now(UTC).date().isoformat(),
        "target_prior": target,
        "temperature": 1.0,
        "thresholds": UNKNOWN_THRESHOLDS,
        "quality": UNKNOWN_QUALITY,
        "metrics": {},
        "data": DataSource("ISIC 2018 Task 3 training set (HAM10000)", SPLIT_SHA256),
    }
    bundle = export_bundle(model, out, fields)
    quality = fit_quality(
        [record for record in dataset.records if split[record.image_id] in "0123"], bundle, progress=progress
    )
    chosen = [record for record in dataset.records if split[record.image_id] == calibration_fold]
    temperature, thresholds = fit_operating_points(bundle, chosen, calibration_fold, progress=progress)
    bundle = write_manifest(
        out, replace(bundle.manifest, quality=quality, temperature=temperature, thresholds=thresholds)
    )
    return add_metrics(bundle, data_dir, calibration_fold, why=None, progress=progress)


def measure_target_prior(dataset: Dataset, split: dict[str, str]) -> Prior:
    """Class frequencies of folds 0 to 4."""
    labels = [record.label for record in dataset.records if split[record.image_id] != "test"]
    frequencies = np.bincount(labels, minlength=len(CLASSES)) / len(labels)
    malignant = 100 * frequencies[list(MALIGNANT_INDICES)].sum()
    return Prior(
        tuple(round(float(value), 6) for value in frequencies),
        f"ISIC 2018 Task 3 training set, folds 0 to 4, {malignant:.1f} % malignant",
    )


def fit_quality(records: list[Record], bundle: Bundle, *, progress: bool) -> QualityThresholds:
    """Limits that each flag one in two hundred of these photographs; blank is a tenth of the least spread."""

    def measure_one(record: Record) -> dict[str, float]:
        stored = normalise_upload(record.path.read_bytes()).data
        return measure(decode_stored(stored, at_least=DECODED_SIDE_PER_INPUT * bundle.manifest.input.size))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        bar = tqdm(pool.map(measure_one, records), "quality", total=len(records), unit="image", disable=not progress)
        found = list(bar)

    def percentile(name: str, percent: float) -> float:
        return round(float(np.percentile([each[name] for each in found], percent)), ROUNDED)

    return QualityThresholds(
        blurred_below=percentile("sharpness", FLAGGED_PERCENT),
        dark_below=percentile("bright", FLAGGED_PERCENT),
        overexposed_above=percentile("bright", 100 - FLAGGED_PERCENT),
        low_contrast_below=percentile("contrast", FLAGGED_PERCENT),
        blank_below=round(min(each["spread"] for each in found) / 10, 1),
        how=f"each flag is raised by {FLAGGED_PERCENT:g} % of the {len(found)} photographs of folds 0 to 3; a blank "
        "frame has less than a tenth of the least spread of luminance among them",
    )


def fit_operating_points(
    bundle: Bundle, records: list[Record], fold: str, *, progress: bool
) -> tuple[float, Thresholds]:
    """Temperature by likelihood, then the thresholds of sensitivity 0.95 and specificity 0.90, all on one fold."""
    items = [evaluate.Labelled(record.image_id, record.label, record.path, record.lesion_id) for record in records]
    readings = evaluate.read_images(Predictor(bundle, "onnx"), items, progress=progress)
    labels = np.array([record.label for record in records])
    log_mean = average_views(np.stack([reading.logits for reading in readings]))
    priors = bundle.manifest.training_prior.frequencies, bundle.manifest.target_prior.frequencies
    temperature = fit_temperature(log_mean, labels, *priors)
    probabilities, _ = calibrate(log_mean, *priors, temperature)
    malignant = probabilities[:, list(MALIGNANT_INDICES)].sum(axis=1)
    ill = np.isin(labels, MALIGNANT_INDICES)
    low = threshold_of_sensitivity(malignant, ill, SENSITIVITY)
    return temperature, Thresholds(
        MalignantThresholds(
            low_risk_below=low,
            suspicious_from=max(low, threshold_of_specificity(malignant, ill, SPECIFICITY)),
            how=f"low_risk_below: sensitivity {SENSITIVITY:.2f}; suspicious_from: specificity {SPECIFICITY:.2f}; both "
            f"on fold {fold} ({int(ill.sum())} malignant of {len(records)} images)",
        )
    )


def add_metrics(bundle: Bundle, data_dir: Path, fold: str, *, why: str | None, progress: bool = True) -> Bundle:
    """Measure one fold and write the figures into the manifest, with the hash of the bundle that was measured."""
    dataset = read_isic(data_dir)
    images = dataset.records[0].path.parent
    report = evaluate.evaluate_bundle(bundle, images, dataset.ground_truth, fold=fold, why=why, progress=progress)
    name = "test" if fold == "test" else f"fold_{fold}"
    metrics = {**bundle.manifest.metrics, name: _round(report.to_dict())}
    return write_manifest(bundle.path, replace(bundle.manifest, metrics=metrics))


def _round(value: Any) -> Any:
    match value:
        case dict():
            return {key: _round(each) for key, each in value.items()}
        case list():
            return [_round(each) for each in value]
        case float():
            return round(value, ROUNDED)
    return value
