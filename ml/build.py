"""From a trained network to a calibrated bundle that knows its limits."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ml.build_similar_cases import add_similar_cases
from ml.bundle import Bundle, Calibration, DataSource, MalignantThresholds, MelanomaThresholds, Prior, Thresholds
from ml.bundle_rules import NOT_MEASURED
from ml.data.isic import Dataset, read_isic
from ml.data.split import SPLIT_SHA256, read_split
from ml.evaluation.observe import Observer
from ml.evaluation.out_of_distribution import OtherPhotographs
from ml.export import export_bundle
from ml.models.segmentation import LesionDecoder
from ml.predictor import Predictor
from ml.preprocess import InputSpec
from ml.quality import QualityRules
from ml.refit import refit_bundle
from ml.taxonomy import CLASSES, MALIGNANT_INDICES

UNKNOWN_QUALITY = QualityRules((), 0, NOT_MEASURED)
UNKNOWN_THRESHOLDS = Thresholds(MalignantThresholds(0, 1, NOT_MEASURED), MelanomaThresholds(0, NOT_MEASURED))
UNKNOWN_CALIBRATION = Calibration(1.0, (0.0,) * len(CLASSES), NOT_MEASURED)
UNKNOWN_LIMITS: dict[str, Any] = {
    "calibration": UNKNOWN_CALIBRATION,
    "thresholds": UNKNOWN_THRESHOLDS,
    "operating_points": (),
    "prediction_sets": None,
    "gate": None,
    "quality": UNKNOWN_QUALITY,
    "not_assessable_where": (),
    "metrics": {},
    "limits": {},
}
"""The manifest's fields that are fitted after the export, before they are."""


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
    model: nn.Module,
    out: Path,
    origin: Origin,
    data_dir: Path,
    *,
    calibration_fold: str = "4",
    others: OtherPhotographs | None = None,
    decoder: LesionDecoder | None = None,
    with_cases: bool = False,
    kept: Path | None = None,
    progress: bool = True,
) -> Bundle:
    """Export to directory ``out``, then fit everything that the manifest says of its limits: see ``ml.refit``.

    ``out`` stays marked as unfinished: see ``ml.draft.build_beside``, which finishes it.
    With a ``decoder`` the bundle also tells where the lesion is, and ``with_cases`` makes its file of similar cases.
    ``kept`` is a directory for what was observed, see ``Observer``.
    """
    fields: dict[str, Any] = {
        **UNKNOWN_LIMITS,
        **{name: getattr(origin, name) for name in Origin.__slots__},
        "created": datetime.now(UTC).date().isoformat(),
        "target_prior": measure_target_prior(read_isic(data_dir), read_split()),
        "data": DataSource("ISIC 2018 Task 3 training set (HAM10000)", SPLIT_SHA256),
    }
    bundle = export_bundle(model, out, fields, decoder)
    observer = Observer(Predictor(bundle, "onnx"), kept=kept, progress=progress)
    if with_cases:
        bundle = add_similar_cases(bundle, observer, data_dir, unseen_fold=calibration_fold)
    return refit_bundle(bundle, observer, data_dir, calibration_fold=calibration_fold, others=others)


def measure_target_prior(dataset: Dataset, split: dict[str, str]) -> Prior:
    """Class frequencies of folds 0 to 4."""
    labels = [record.label for record in dataset.records if split[record.image_id] != "test"]
    frequencies = np.bincount(labels, minlength=len(CLASSES)) / len(labels)
    malignant = 100 * frequencies[list(MALIGNANT_INDICES)].sum()
    return Prior(
        tuple(round(float(value), 6) for value in frequencies),
        f"ISIC 2018 Task 3 training set, folds 0 to 4, {malignant:.1f} % malignant",
    )
