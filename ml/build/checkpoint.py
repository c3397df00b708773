"""Export of a run's best checkpoint as a calibrated, measured bundle."""

import argparse
import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ml.build.assemble import Origin, build_bundle, describe_sampled_prior
from ml.bundle.draft import build_beside, check_can_be_replaced
from ml.bundle.folder import Bundle
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import TrainedOn
from ml.data.cache import open_cache
from ml.data.isic import hash_records, read_isic
from ml.errors import UserError
from ml.networks.backbone import load_weights
from ml.support.disk import read_json
from ml.training.checkpoint import describe_input, load_average
from ml.training.config import InferencePlan, TrainingConfig, read_config
from ml.training.folder import RunFolder
from ml.training.predict import TrainedNetwork, choose_inference_plan
from ml.training.selection import select_records, split_positions
from ml.training.servable import check_checkpoint


@dataclass(frozen=True, slots=True)
class Start:
    """Weights to average a checkpoint with: a file, and the ``share`` of the checkpoint in the average, 0 to 1."""

    weights: Path
    share: float


def export_checkpoint(
    checkpoint: Path,
    out: Path,
    *,
    data: Path | None = None,
    start: Start | None = None,
    kept: Path | None = None,
    progress: bool = True,
) -> Bundle:
    """Choose the inference plan on the run's choosing fold, calibrate there, export, and measure that fold.

    ``checkpoint`` lies in its run folder, which holds the configuration and, unless ``data`` is given, the data
    directory. With ``start`` its network is first averaged with the one that the run started from (WiSE-FT: Wortsman
    et al., CVPR 2022). ``kept`` is a cache directory for observations, see ``Observer``. Raises ``UserError`` if the
    checkpoint does not lie there, if a file of the run is truncated, or for other data or other weights.
    """
    folder = check_checkpoint(checkpoint)
    check_can_be_replaced(out)
    config = read_config(folder.config)
    description = read_json(folder.description)
    data = data or Path(description["data_directory"])
    check_same_data(folder, config, description, data)
    trained = TrainedNetwork(*load_average(checkpoint, config), config)
    plan = read_or_choose_plan(folder, trained, data, progress=progress)
    origin = describe_origin(folder, trained, plan, description, count_training_images(folder, config, data))
    if start is not None:
        origin = replace(origin, training=f"{origin.training} {average_with_start(trained.model, start, description)}")
    with build_beside(out) as draft:
        bundle = build_bundle(
            trained.model, draft, origin, data, calibration_fold=config.choose_fold, kept=kept, progress=progress
        )
    return replace(bundle, path=out)


def average_with_start(model: nn.Module, start: Start, description: Mapping[str, Any]) -> str:
    """Average the network in place with the one that its run started from; a sentence for the manifest.

    Raises ``UserError`` if the run started from other weights.
    """
    begun = description["weights"]
    if begun is None or begun["sha256"] != hash_file(start.weights):
        raise UserError(f"{start.weights}: the run did not start from it; give the weights that it started from")
    before = copy.deepcopy(model)
    if not load_weights(before, start.weights):
        raise UserError(f"{start.weights}: has no classifier of seven classes, so there is nothing to average with")
    begun_with = before.state_dict()
    model.load_state_dict(
        {
            name: torch.lerp(begun_with[name], value, start.share) if value.is_floating_point() else value
            for name, value in model.state_dict().items()
        }
    )
    return f"Its weights were averaged with those that it started from; its own count {start.share:g}."


def check_same_data(folder: RunFolder, config: TrainingConfig, description: dict[str, object], data: Path) -> None:
    """Raise ``UserError`` for other data than the run's, since calibration needs unseen folds of the same data."""
    if hash_records(select_records(read_isic(data).records, config)) != description["data_sha256"]:
        raise UserError(
            f"{data}: holds other images or labels than {folder.path} was trained on (those in"
            f" {description['data_directory']}); give --data with these"
        )


def read_or_choose_plan(folder: RunFolder, trained: TrainedNetwork, data: Path, *, progress: bool) -> InferencePlan:
    """The inference plan that a run has chosen, or, if it was stopped before, chosen now."""
    config = trained.config
    if len(config.readings) == 1:
        return config.readings[0]
    if folder.readings.is_file():
        scores = read_json(folder.readings)
        return max(config.readings, key=lambda plan: float(scores[plan.key]))
    records = select_records(read_isic(data).records, config)
    cache = open_cache(records, folder.cache, short_side=config.cache_side, progress=progress)
    return choose_inference_plan(
        folder, trained, records, cache, split_positions(records, config)[1], progress=progress
    )[0]


def count_training_images(folder: RunFolder, config: TrainingConfig, data: Path) -> int:
    """Number of images that the run trained on, from its summary or, if it was stopped before, counted."""
    if folder.summary.is_file():
        return int(read_json(folder.summary)["training_images"])
    return len(split_positions(select_records(read_isic(data).records, config), config)[0])


def describe_origin(
    folder: RunFolder, trained: TrainedNetwork, plan: InferencePlan, description: dict[str, object], images: int
) -> Origin:
    """The manifest's statements about the network, its inference plan, and its training data."""
    config, weights = trained.config, description["weights"]
    start = f"the weights {weights['name']}" if isinstance(weights, dict) else "random weights"
    sizes = " then ".join(str(stage.size) for stage in config.stages)
    return Origin(
        name=f"{config.architecture}-{folder.path.name}",
        version=str(description["git_revision"])[:12],
        architecture=config.architecture,
        input=describe_input(trained.model, plan.size, plan.fractions),
        training_prior=describe_sampled_prior(round(float(value), 6) for value in trained.prior),
        training=f"Trained from {start} on {images} images of folds {', '.join(config.train_folds)} of ISIC 2018 "
        f"Task 3 at {sizes} px; checkpoint, reading and calibration chosen on fold {config.choose_fold}.",
        trained_on=TrainedOn(
            images=images,
            train_folds=config.train_folds,
            choose_fold=config.choose_fold,
            data_sha256=str(description["data_sha256"]),
            config_sha256=hash_file(folder.config),
        ),
    )


def main(options: argparse.Namespace) -> int:
    """Export as the options say, and print the bundle's directory and hash."""
    bundle = export_checkpoint(options.checkpoint, options.out, data=options.data)
    print(f"{bundle.path}: {bundle.manifest.name} {bundle.manifest.version}, {bundle.sha256}")
    return 0
