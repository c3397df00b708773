"""A training run, from the data directory to weights and predictions in the run folder."""

import hashlib
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
import yaml
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader

from ml.bundle.hashing import hash_file
from ml.data.cache import PixelCache, open_cache
from ml.data.isic import Record, read_isic
from ml.data.metadata import check_metadata, encode_metadata
from ml.data.split import CALIBRATION_FOLD, SPLIT_SHA256, read_split
from ml.errors import UserError
from ml.networks.backbone import HubError, create_backbone, load_weights
from ml.support.disk import owning, read_json, write_whole
from ml.support.environment import describe_environment, find_git_revision
from ml.training.augment_albumentations import make_alter
from ml.training.callbacks import EarlyStopping, EpochLog, RunProgress, make_logger
from ml.training.checkpoint import fuse_metadata
from ml.training.checkpoint_files import AtomicCheckpointIO, find_readable_checkpoint, read_checkpoint
from ml.training.config import TrainingConfig, read_config
from ml.training.dataset import CachedBatches, OrderedBatches, Shard, WeightedBatches
from ml.training.devices import check_devices, choose_strategy, current_shard, is_first_process
from ml.training.folder import RunFolder
from ml.training.losses import LabelLoss
from ml.training.module import LesionModule
from ml.training.precision import LIGHTNING_NAMES, choose_precision, speed_up_depthwise, time_precisions
from ml.training.predict import write_predictions
from ml.training.schedule import Schedule
from ml.training.selection import count_classes, select_records, split_positions, weigh_classes
from ml.training.teachers import list_seen_folds, read_seen_folds
from ml.training.unfreezing import freeze_all_but_classifier_and_norms, freeze_norms

DEFAULT_CONFIG = Path(__file__).parents[1] / "configs" / "lite0_cpu.yaml"
LESION_WEIGHTS_FOLD = CALIBRATION_FOLD
"""The only choosing fold for networks started from weights trained on lesions, which have seen folds 0 to 3."""


@dataclass(frozen=True, slots=True)
class Material:
    """A run's configuration, folder, records and pixel cache."""

    config: TrainingConfig
    folder: RunFolder
    records: list[Record]
    cache: PixelCache


def run_training(
    *,
    data: Path,
    config_path: Path | None = None,
    weights: Path | None = None,
    out: Path | None = None,
    resume: bool = False,
    devices: int = 1,
    progress: bool = True,
) -> Path:
    """Train on the official ISIC layout in ``data``, choose an inference plan and predict; returns the run folder.

    ``weights`` initialise the backbone; without them the hub's weights, if the configuration asks for them and they
    can be downloaded, else random ones. ``resume`` continues after the last complete epoch in ``out``, on the same
    data and weights; a run that was stopped before its first one starts again. ``devices`` processes train together,
    each on its share of every batch. Raises ``UserError`` for bad input and ``KeyboardInterrupt`` after Ctrl-C.
    """
    config_path = config_path or DEFAULT_CONFIG
    config = read_config(config_path)
    folder = RunFolder(out or Path("runs") / config_path.stem)
    check_devices(config, devices)
    start = _check_folder(folder, config, resume=resume)
    torch.manual_seed(config.seed)  # for the new classifier; each epoch sets its own seed
    model, initialisation = start_model(config, weights)
    seen = list_seen_folds(config, weights if initialisation.startswith("lesions") else None)
    records = select_records(read_isic(data).records, config)
    with_metadata = {
        name: check_metadata(group, config.metadata, name) for name, group in _divide(records, config).items()
    }
    with owning(folder.path, "run") if is_first_process() else nullcontext():
        cache = open_cache(records, folder.cache, short_side=config.cache_side, progress=progress)
        material = Material(config, folder, records, cache)
        if is_first_process():
            if start is None:
                origin = {
                    "initialisation": initialisation,
                    "folds_seen": seen,
                    "metadata_known": with_metadata,
                    "metadata_sha256": _hash_metadata(material),
                }
                _describe(material, data, weights, origin)
            else:
                check_same_material(material, weights)
        if start is None or not is_at_end(start, config):
            _fit(model, material, start=start, devices=devices, progress=progress)
        if is_first_process():
            write_predictions(material.folder, config, records, cache, progress=progress)
    return folder.path


def _divide(records: list[Record], config: TrainingConfig) -> dict[str, list[Record]]:
    """Training and choosing records, by their name in messages."""
    training, choosing = split_positions(records, config)
    return {
        "the training images": [records[position] for position in training],
        f"the images of fold {config.choose_fold}": [records[position] for position in choosing],
    }


def start_model(config: TrainingConfig, weights: Path | None) -> tuple[nn.Module, str]:
    """The network before training, and a description of its initial weights."""
    named: dict[str, Any] = {
        "dropout": config.dropout,
        "drop_path": config.drop_path,
        "options": config.architecture_options,
    }
    if weights is not None:
        model = create_backbone(config.architecture, **named)
        takes_classifier = load_weights(model, weights)
        if takes_classifier and read_seen_folds(weights) is None:
            _check_descent(config, weights)
        initialisation = f"{'lesions' if takes_classifier else 'imagenet'}: {weights.name}"
    elif config.pretrained:
        try:
            model, initialisation = create_backbone(config.architecture, pretrained=True, **named), "imagenet: hub"
        except HubError as error:
            warnings.warn(f"{error}; training from scratch", stacklevel=2)
            model, initialisation = create_backbone(config.architecture, **named), "scratch"
    else:
        model, initialisation = create_backbone(config.architecture, **named), "scratch"
    return fuse_metadata(model, config), initialisation


def is_at_end(checkpoint: Path, config: TrainingConfig) -> bool:
    """Whether a checkpoint was written at the end of the schedule, by epochs or by minutes."""
    return bool(read_checkpoint(checkpoint)["schedule"]["stage_index"] >= len(config.stages))


def _check_folder(folder: RunFolder, config: TrainingConfig, *, resume: bool) -> Path | None:
    """The checkpoint to resume from; None for a new run, and for one that was stopped in its first epoch."""
    is_started = folder.last_checkpoint.is_file() or folder.best_checkpoint.is_file() or folder.summary.is_file()
    if not resume:
        if is_started:
            raise UserError(f"{folder.path}: contains a run already; give another --out, or --resume to continue it")
        return None
    if not is_started:
        if not folder.description.is_file():
            raise UserError(f"{folder.path}: no run to resume; start it without --resume")
        return None
    if read_config(folder.config) != config:
        raise UserError(f"{folder.config}: differs from the configuration given; resume with --config {folder.config}")
    start = find_readable_checkpoint(folder)
    if start is None:
        raise UserError(f"{folder.path}: holds a finished run without its checkpoints; give another --out")
    return start


def check_same_material(material: Material, weights: Path | None) -> None:
    """Raise ``UserError`` for other data, weights or teachers than those the run began with."""
    folder = material.folder
    description = read_json(folder.description)
    if description["data_sha256"] != material.cache.data_sha256:
        raise UserError(
            f"{folder.path}: was trained on other images or labels ({description['data_directory']}); resume with"
            " the same --data, or give another --out"
        )
    if description.get("metadata_sha256") not in (None, _hash_metadata(material)):
        raise UserError(
            f"{folder.path}: was trained with other {', '.join(material.config.metadata)} (those in"
            f" {description['data_directory']}); resume with the same --data, or give another --out"
        )
    given = _name_file(weights)
    if given is not None and given != description["weights"]:
        name = "no weights" if description["weights"] is None else description["weights"]["name"]
        raise UserError(f"{folder.path}: started from {name}, not from {weights}; resume with the same, or none")
    if "teachers" in description and description["teachers"] != _hash_teachers(material.config):
        raise UserError(f"{folder.path}: its teachers' files have changed; restore them, or give another --out")


def _hash_metadata(material: Material) -> str | None:
    """SHA-256 of the metadata that the network reads; None if it reads none."""
    names = material.config.metadata
    return hashlib.sha256(encode_metadata(material.records, names).tobytes()).hexdigest() if names else None


def _name_file(path: Path | None) -> dict[str, str] | None:
    return None if path is None else {"name": path.name, "sha256": hash_file(path)}


def _hash_teachers(config: TrainingConfig) -> list[str]:
    return [hash_file(Path(teacher.weights)) for teacher in config.distillation.teachers]


def _check_descent(config: TrainingConfig, weights: Path) -> None:
    if config.choose_fold != LESION_WEIGHTS_FOLD and config.choose_fold not in config.train_folds:
        raise UserError(
            f"{weights}: has a classifier of lesions, so it has seen folds 0 to 3; set choose_fold to"
            f" {LESION_WEIGHTS_FOLD} and train_folds within 0 to 3"
        )


def _fit(model: nn.Module, material: Material, *, start: Path | None, devices: int, progress: bool) -> None:
    config, cache, folder = material.config, material.cache, material.folder
    precision = read_json(folder.description)["precision"]
    if precision == "bf16" and not torch.cuda.is_available():
        speed_up_depthwise(model)
    training, choosing = split_positions(material.records, config)
    if config.trained == "classifier_and_norms":
        freeze_all_but_classifier_and_norms(model)
    if config.freeze_norms:
        freeze_norms(model)
    weights, prior = weigh_classes(cache.labels[training], power=config.sampling_power)
    shard = current_shard(devices)
    train_set, choosing_set, workers = _make_sets(material, shard)
    batches = WeightedBatches(
        training,
        weights,
        batch_size=config.batch_size,
        seed=config.seed,
        shard=shard,
        folds=None if train_set.folds is None else [train_set.folds[position] for position in training],
        images=config.images_per_epoch,
    )
    schedule = Schedule(
        config.stages,
        steps_per_epoch=len(batches),
        warmup_epochs=config.warmup_epochs,
        final_fraction=config.final_learning_rate,
    )
    train_set.size.fill_(schedule.size)
    loss = LabelLoss(config.loss, count_classes(cache.labels[training]), prior)
    module = LesionModule(model, config, schedule, loss, train_set)
    choosing_batches = OrderedBatches(choosing, batch_size=config.batch_size, shard=shard)
    try:
        with _hush_lightning():
            trainer = _make_trainer(config, folder, LIGHTNING_NAMES[precision], devices=devices, progress=progress)
            trainer.fit(
                module,
                DataLoader(train_set, sampler=batches, batch_size=None, num_workers=workers),
                DataLoader(choosing_set, sampler=choosing_batches, batch_size=None),
                ckpt_path=start,
            )
    except SystemExit:  # Lightning's reaction to Ctrl-C
        raise KeyboardInterrupt from None


def _make_sets(material: Material, shard: Shard) -> tuple[CachedBatches, CachedBatches, int]:
    """Batches for training and for choosing, and the number of worker processes for the former.

    With tensor augmentation on a GPU, both share one copy of all pixels there.
    """
    config, cache = material.config, material.cache
    metadata = encode_metadata(material.records, config.metadata)
    folds = None
    if config.distillation.out_of_fold:
        fold_of = read_split().fold_of
        folds = [fold_of[record.image_id] for record in material.records]
    if config.augmentation.kind == "tensor":
        device = torch.device("cuda", shard.rank) if torch.cuda.is_available() else None
        batches = CachedBatches(cache, metadata, folds=folds, device=device)
        return batches, batches, 0
    altered = CachedBatches(cache, metadata, make_alter(config.augmentation), folds=folds)
    return altered, CachedBatches(cache, metadata), config.augmentation.workers


def _make_trainer(
    config: TrainingConfig, folder: RunFolder, precision: Any, *, devices: int, progress: bool
) -> lightning.Trainer:
    every_epoch: dict[str, Any] = {"enable_version_counter": False, "save_on_train_epoch_end": True}
    # NLL varies less than balanced accuracy, which depends on few images of the rare classes.
    best = ModelCheckpoint(folder.checkpoints, "best", monitor="nll", mode="min", **every_epoch)
    last = ModelCheckpoint(folder.checkpoints, "last", **every_epoch)
    shown = [RunProgress()] if progress and is_first_process() else []
    stop = [] if config.patience is None else [EarlyStopping(config.patience)]
    return lightning.Trainer(
        max_epochs=sum(stage.epochs for stage in config.stages),
        precision=precision,
        benchmark=config.search_kernels,
        gradient_clip_val=config.clip,
        accumulate_grad_batches=config.accumulate,
        callbacks=[*stop, best, last, EpochLog(folder.metrics), *shown],
        logger=make_logger(folder, config),
        plugins=[AtomicCheckpointIO()],
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=folder.path,
        **choose_strategy(config, devices),
    )


EXPECTED_WARNINGS = (
    ".*does not have many workers.*",  # pixels come from memory, workers would only copy them
    r"Found \d+ module\(s\) in eval mode",  # the moving average
    "Checkpoint directory .* exists and is not empty",  # after --resume
    ".*LeafSpec.*",  # Lightning 2.6 uses a deprecated name of torch
)


@contextmanager
def _hush_lightning() -> Iterator[None]:
    """Suppress Lightning's advertising and its warnings about intended settings."""
    logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for message in EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        yield


def _describe(
    material: Material,
    data: Path,
    weights: Path | None,
    origin: dict[str, Any],
) -> None:
    config, folder = material.config, material.folder
    timings = time_precisions(config) if config.precision == "auto" else {}
    write_whole(folder.config, yaml.safe_dump(config.to_dict(), sort_keys=False))
    description: dict[str, Any] = {
        "git_revision": find_git_revision(),
        "data_directory": str(data.resolve()),
        "data_sha256": material.cache.data_sha256,
        "split_sha256": SPLIT_SHA256,
        **origin,
        "weights": _name_file(weights),
        "teachers": _hash_teachers(config),
        "seed": config.seed,
        "precision": choose_precision(config, timings) if timings else config.precision,
        "milliseconds_per_training_image": timings,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "environment": describe_environment("torch", "timm", "lightning", "numpy", "pillow"),
        "command": sys.argv,
    }
    write_whole(folder.description, json.dumps(description, indent=2) + "\n")
