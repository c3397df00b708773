"""A study model's folder: predictions, calibration on the choosing fold, and metrics.

Every model is treated alike, network or not: its mean scores are divided by its training prior, calibrated by a
temperature fitted on the choosing images, and given the prior of the data; so models are compared, not their sampling.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.bundle.hashing import hash_tensors
from ml.data.isic import read_isic
from ml.data.rows import read_rows
from ml.data.split import TEST, hash_data, read_split
from ml.errors import UserError
from ml.evaluation.calibration import fit_temperature
from ml.evaluation.operating_points import threshold_of_sensitivity, threshold_of_specificity
from ml.metrics import bootstrap, classification
from ml.metrics.estimate import OVER_LESIONS
from ml.metrics.figures import PER_CLASS, describe_metrics
from ml.serve.interpretation import calibrate
from ml.support.disk import read_json
from ml.taxonomy import CLASSES

FloatArray = npt.NDArray[np.float64]

COLUMNS = ("image", "fold", *CLASSES)
SENSITIVITY, SPECIFICITY = 0.95, 0.90
NEEDED = ("kind", "architecture", "initialisation", "training_prior", "sha256")


@dataclass(frozen=True, slots=True)
class Truth:
    """Ground truth by image id.

    ``labels`` and ``lesions``; ``prior`` (7): class frequencies; ``data_sha256``: of images and labels of folds 0 to
    4.
    """

    labels: dict[str, int]
    lesions: dict[str, str]
    prior: tuple[float, ...]
    data_sha256: str


@dataclass(frozen=True, slots=True)
class StudiedModel:
    """Predictions of a model: ``log_scores`` (N, 7), logarithms of its scores of ``images`` (N) of ``folds`` (N)."""

    path: Path
    summary: dict[str, Any]
    images: tuple[str, ...]
    folds: tuple[str, ...]
    log_scores: FloatArray

    @property
    def name(self) -> str:
        return self.path.name

    def rows(self, *, test: bool) -> npt.NDArray[np.int64]:
        """Indices of the test images, or of the choosing ones."""
        return np.flatnonzero([(fold == TEST) == test for fold in self.folds])


@dataclass(frozen=True, slots=True)
class TemperatureFit:
    """Fit on the choosing images: a temperature and the two thresholds of the malignant sum."""

    temperature: float
    low_risk_below: float
    suspicious_from: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Metrics of a model.

    ``figures``: plain values with intervals; ``images``: their images; ``replicates``: each scalar metric on every
    resample, (2000,).
    """

    figures: dict[str, Any]
    images: tuple[str, ...]
    replicates: dict[str, FloatArray]


def read_truth(data: Path) -> Truth:
    """Labels of every image outside the test fold, and class frequencies of folds 0 to 4."""
    return _select_truth(data, test=False)


def read_test_truth(data: Path) -> Truth:
    """Labels of the test fold; only for ``ml.pipelines.study.measure``, which logs the access."""
    return _select_truth(data, test=True)


def _select_truth(data: Path, *, test: bool) -> Truth:
    folds = read_split().fold_of
    records = [record for record in read_isic(data).records if record.image_id in folds]
    others = np.bincount([r.label for r in records if folds[r.image_id] != TEST], minlength=len(CLASSES))
    if not others.all():
        raise UserError(f"{data}: no {CLASSES[int(others.argmin())]} in folds 0 to 4; give data with all seven classes")
    chosen = [record for record in records if (folds[record.image_id] == TEST) == test]
    return Truth(
        {record.image_id: record.label for record in chosen},
        {record.image_id: record.group for record in chosen},
        tuple(float(value) for value in others / others.sum()),
        hash_data(records),
    )


def is_finished(path: Path) -> bool:
    """Whether a study folder contains a finished model."""
    return (path / "summary.json").is_file() and (path / "predictions.csv").is_file()


def open_study_folder(path: Path) -> StudiedModel:
    """Read and check a folder; raises ``UserError`` naming the missing or invalid file."""
    if not is_finished(path):
        raise UserError(f"{path}: holds no summary.json and predictions.csv; train the model, or resume its run")
    summary = _read_summary(path / "summary.json")
    weights = path / "weights.safetensors"
    if weights.is_file() and hash_tensors(weights) != summary["sha256"]:
        raise UserError(
            f"{weights}: does not hash to the sha256 of summary.json; train the model again in a new folder"
        )
    images, folds, scores = _read_predictions(path / "predictions.csv")
    return StudiedModel(path, summary, images, folds, np.log(np.maximum(scores, np.finfo(np.float64).tiny)))


def _read_summary(path: Path) -> dict[str, Any]:
    summary = read_json(path)
    missing = [key for key in NEEDED if key not in summary] if isinstance(summary, dict) else list(NEEDED)
    if missing:
        raise UserError(f"{path}: {', '.join(missing)} is missing; train the model again")
    prior = summary["training_prior"]
    if len(prior) != len(CLASSES) or min(prior) <= 0:
        raise UserError(f"{path}: training_prior must be seven frequencies over 0; train the model again")
    return dict(summary)


def _read_predictions(path: Path) -> tuple[tuple[str, ...], tuple[str, ...], FloatArray]:
    rows = sorted((row for _, row in read_rows(path, COLUMNS)), key=lambda row: row["image"])
    images = tuple(row["image"] for row in rows)
    if len(set(images)) != len(images):
        raise UserError(f"{path}: an image occurs twice; train the model again")
    try:
        scores = np.array([[float(row[code]) for code in CLASSES] for row in rows], np.float64).reshape(
            -1, len(CLASSES)
        )
    except ValueError:
        raise UserError(f"{path}: a score is not a number; train the model again") from None
    if not rows or scores.min() < 0 or np.abs(scores.sum(axis=1) - 1).max() > 1e-3:
        raise UserError(f"{path}: every row's scores must be probabilities that sum to 1; train the model again")
    return images, tuple(row["fold"] for row in rows), scores


def score(folder: StudiedModel, truth: Truth, *, test: bool, temperature: float) -> classification.Scored:
    """Labels and calibrated scores of the choosing images, or of the test images."""
    rows = folder.rows(test=test)
    prior = tuple(folder.summary["training_prior"])
    probabilities, balanced = calibrate(folder.log_scores[rows], prior, truth.prior, temperature)
    return classification.Scored(_label(folder, truth, rows), probabilities, balanced)


def calibrate_on_choosing(folder: StudiedModel, truth: Truth) -> TemperatureFit:
    """Fit the temperature, then the thresholds of sensitivity 0.95 and specificity 0.90 on the same images."""
    rows = folder.rows(test=False)
    labels = _label(folder, truth, rows)
    prior = tuple(folder.summary["training_prior"])
    temperature = fit_temperature(
        log_mean=folder.log_scores[rows], labels=labels, training_prior=prior, target_prior=truth.prior
    )
    scored = score(folder, truth, test=False, temperature=temperature)
    low = threshold_of_sensitivity(
        malignant=scored.malignant, is_malignant=scored.is_malignant, sensitivity=SENSITIVITY
    )
    high = threshold_of_specificity(
        malignant=scored.malignant, is_malignant=scored.is_malignant, specificity=SPECIFICITY
    )
    return TemperatureFit(temperature, low, max(low, high))


def measure_folder(folder: StudiedModel, truth: Truth, calibration: TemperatureFit, *, test: bool) -> Measured:
    """Metrics with 95 % intervals by bootstrap over lesions, on the choosing images or on those of the test fold."""
    scored = score(folder, truth, test=test, temperature=calibration.temperature)
    points = {"low_risk_below": calibration.low_risk_below, "suspicious_from": calibration.suspicious_from}
    rows = folder.rows(test=test)
    lesions = [truth.lesions[folder.images[row]] for row in rows]
    ones = np.ones((1, len(rows)))
    values = {name: row[0] for name, row in classification.measure(scored, ones, **points).items()}
    replicates = bootstrap.resample(lambda weights: classification.measure(scored, weights, **points), lesions)
    limits = {name: bootstrap.percentiles(each) for name, each in replicates.items()}
    confusion = classification.count_confusion(
        labels=scored.labels, decided=classification.decide(scored.balanced_scores), weights=ones
    )[0]
    figures = {
        "folds": sorted({folder.folds[row] for row in rows}),
        "images": len(rows),
        "lesions": len(set(lesions)),
        **describe_metrics(
            values=values, intervals=limits, per_class=confusion.sum(axis=1).astype(int).tolist(), how=OVER_LESIONS
        ),
        "confusion": confusion.astype(int).tolist(),
    }
    images = tuple(folder.images[row] for row in rows)
    return Measured(figures, images, {name: each for name, each in replicates.items() if name not in PER_CLASS})


def _label(folder: StudiedModel, truth: Truth, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    unknown = [folder.images[row] for row in rows if folder.images[row] not in truth.labels]
    if unknown:
        raise UserError(
            f"{folder.path / 'predictions.csv'}: no label of {unknown[0]} in the data; give the same --data"
        )
    if not len(rows):
        raise UserError(
            f"{folder.path / 'predictions.csv'}: no prediction of the fold to measure; train the model again"
        )
    return np.array([truth.labels[folder.images[row]] for row in rows], np.int64)
