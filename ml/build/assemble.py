"""Assembly of a bundle from a trained network: ``assemble`` exports it, ``build_bundle`` also fits its limits."""

import copy
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ml.build.export import export_bundle
from ml.build.fit_limits import refit_bundle
from ml.build.similar_cases import add_similar_cases
from ml.bundle.attribution import ATTRIBUTION, LICENCE
from ml.bundle.folder import Bundle
from ml.bundle.manifest import (
    BundleError,
    Calibration,
    DataSource,
    InputSpec,
    MalignantThresholds,
    MelanomaThresholds,
    Prior,
    QualityRules,
    Thresholds,
    TrainedOn,
)
from ml.bundle.rules import NOT_MEASURED
from ml.data.isic import Dataset, read_isic
from ml.data.split import CALIBRATION_FOLD, SPLIT_SHA256, TEST, read_split
from ml.errors import UserError
from ml.evaluation.fit.out_of_distribution import OtherPhotographs
from ml.evaluation.observe import Observer
from ml.networks.backbone import get_classifier
from ml.networks.segmentation import LesionDecoder
from ml.serve.predictor import Predictor
from ml.taxonomy import CLASSES, MALIGNANT_INDICES

LARGEST_LOGIT = 10.0
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
"""Placeholders of the manifest's fields that are fitted after the export."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Origin of the network for the manifest: names, inference plan, provenance and licence."""

    name: str
    version: str
    architecture: str
    input: InputSpec
    training_prior: Prior
    training: str
    licence: str = LICENCE
    attribution: str = ATTRIBUTION
    trained_on: TrainedOn | None = None


def describe_sampled_prior(frequencies: Iterable[float]) -> Prior:
    """The prior of a training, as its sampling made it."""
    return Prior(tuple(float(value) for value in frequencies), "class frequencies that the training's sampling made")


def assemble(
    model: nn.Module, out: Path, origin: Origin, target_prior: Prior, *, decoder: LesionDecoder | None = None
) -> Bundle:
    """Export a network to directory ``out`` as a bundle whose limits are not fitted yet.

    ``out`` stays marked as unfinished: see ``ml.bundle.draft.build_beside``, which finishes it. With a ``decoder`` the
    bundle also outlines the lesion. Raises ``BundleError`` when the two graphs differ by more than 1e-4.
    """
    fields: dict[str, Any] = {
        **UNKNOWN_LIMITS,
        **{name: getattr(origin, name) for name in Origin.__slots__},
        "created": datetime.now(UTC).date().isoformat(),
        "target_prior": target_prior,
        "data": DataSource("ISIC 2018 Task 3 training set (HAM10000)", SPLIT_SHA256),
    }
    return export_bundle(model, out, fields, decoder)


def build_bundle(
    model: nn.Module,
    out: Path,
    origin: Origin,
    data_dir: Path,
    *,
    calibration_fold: str = CALIBRATION_FOLD,
    others: OtherPhotographs | None = None,
    decoder: LesionDecoder | None = None,
    with_cases: bool = False,
    kept: Path | None = None,
    progress: bool = True,
) -> Bundle:
    """Assemble the bundle in directory ``out``, then fit all limits in the manifest: see ``ml.build.fit_limits``.

    A ``decoder`` adds lesion masks, ``with_cases`` the file of similar cases. ``kept`` is a cache directory for
    observations, see ``Observer``.
    """
    target_prior = measure_target_prior(read_isic(data_dir), read_split().fold_of)
    bundle = assemble(model, out, origin, target_prior, decoder=decoder)
    observer = Observer(Predictor(bundle, "onnx"), kept=kept, progress=progress)
    if with_cases:
        bundle = add_similar_cases(bundle, observer, data_dir, unseen_fold=calibration_fold)
    return refit_bundle(bundle, observer, data_dir, calibration_fold=calibration_fold, others=others)


def rehearse_export(model: nn.Module, spec: InputSpec, architecture: str) -> None:
    """Trial export of a copy of a network; raises ``UserError`` if its two graphs would differ.

    Untrained values that would hide a difference are drawn at random: batch norm statistics of 0 and 1, and the nearly
    zero classifier, which gets logits of the size of a trained one's.
    """
    rehearsed = copy.deepcopy(model).cpu()
    _draw_anew(rehearsed.eval(), spec.size)
    prior = Prior((1 / len(CLASSES),) * len(CLASSES), "none")
    origin = Origin(
        name="rehearsal", version="0", architecture=architecture, input=spec, training_prior=prior, training="none"
    )
    with tempfile.TemporaryDirectory() as scratch:
        try:
            assemble(rehearsed, Path(scratch) / "bundle", origin, prior)
        except BundleError as error:
            reason = str(error).removeprefix(f"{scratch}/bundle: ").partition(";")[0]
            raise UserError(
                f"architecture: {architecture} cannot be exported: {reason}; choose another, or --no-export"
            ) from error


def _draw_anew(model: nn.Module, size: int) -> None:
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.running_mean is not None:
            for tensor, around in ((module.running_mean, 0.0), (module.running_var, 1.0)):
                assert tensor is not None
                tensor.copy_(around + 0.2 * (torch.rand(tensor.shape, generator=generator) - 0.5))
    classifier = get_classifier(model)
    with torch.no_grad():
        classifier.weight.copy_(torch.randn(classifier.weight.shape, generator=generator))
        logits = model(torch.randn(1, 3, size, size, generator=generator))
        classifier.weight.mul_(LARGEST_LOGIT / logits.abs().max().clamp(min=1e-6))


def measure_target_prior(dataset: Dataset, split: Mapping[str, str]) -> Prior:
    """Class frequencies of folds 0 to 4."""
    labels = [record.label for record in dataset.records if split[record.image_id] != TEST]
    frequencies = np.bincount(labels, minlength=len(CLASSES)) / len(labels)
    malignant = 100 * frequencies[list(MALIGNANT_INDICES)].sum()
    return Prior(
        tuple(round(float(value), 6) for value in frequencies),
        f"ISIC 2018 Task 3 training set, folds 0 to 4, {malignant:.1f} % malignant",
    )
