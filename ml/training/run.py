"""A whole training run, from the data directory to the run folder."""

import json
import os
import platform
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import numpy.typing as npt
import torch
import yaml
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader

from ml.data.isic import Record, read_isic
from ml.data.split import SPLIT_SHA256, hash_file, read_split
from ml.errors import UserError
from ml.models.backbone import create_backbone, load_weights
from ml.training.callbacks import EpochTable, RunProgress
from ml.training.config import TrainingConfig, read_config
from ml.training.dataset import CachedBatches, OrderedBatches, PixelCache, WeightedBatches, open_cache, weigh_classes
from ml.training.module import LesionModule
from ml.training.precision import PRECISIONS, choose_precision, speed_up_depthwise, time_precisions
from ml.training.schedule import Schedule

DEFAULT_CONFIG = Path(__file__).parents[1] / "configs" / "lite0_cpu.yaml"
LESION_WEIGHTS_FOLD = "4"
"""What descends from weights trained on lesions is chosen here: they have seen images of folds 0 to 3."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Names of what a run writes."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def description(self) -> Path:
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def last_checkpoint(self) -> Path:
        return self.checkpoints / "last.ckpt"

    @property
    def best_checkpoint(self) -> Path:
        return self.checkpoints / "best.ckpt"


def run(
    *,
    data: Path,
    config_path: Path | None = None,
    weights: Path | None = None,
    out: Path | None = None,
    resume: bool = False,
) -> Path:
    """Train by the configuration on the official ISIC layout in ``data``; returns the run folder.

    ``weights`` start the backbone (none: from scratch). ``resume`` goes on after the last whole epoch in ``out``.
    Raises ``UserError`` for bad input.
    """
    config_path = config_path or DEFAULT_CONFIG
    config = read_config(config_path)
    folder = RunFolder(out or Path("runs") / config_path.stem)
    _check_folder(folder, config, resume=resume)
    model = create_backbone(config.architecture, dropout=config.dropout, drop_path=config.drop_path)
    if weights is not None and load_weights(model, weights):
        _check_descent(config, weights)
    records = _select_records(read_isic(data).records, config)
    cache = open_cache(records, folder.path.parent / "cache", short_side=config.cache_side)
    folds = read_split()
    in_training = np.array([folds[record.image_id] in config.train_folds for record in records])
    timings = time_precisions(config) if config.precision == "auto" else {}
    precision = choose_precision(config, timings) if timings else config.precision
    if not resume:
        _describe(folder, config, weights, cache, timings, precision)
    torch.manual_seed(config.seed)
    if precision == "bf16" and not torch.cuda.is_available():
        speed_up_depthwise(model)
    _fit(model, config, cache, in_training, folder, precision)
    return folder.path


def _check_folder(folder: RunFolder, config: TrainingConfig, *, resume: bool) -> None:
    if not resume:
        if folder.description.exists():
            raise UserError(f"{folder.path}: holds a run already; give another --out, or --resume to go on with it")
        return
    if not folder.last_checkpoint.is_file():
        raise UserError(f"{folder.path}: no whole epoch to resume after; start it without --resume in a new --out")
    if read_config(folder.config) != config:
        raise UserError(f"{folder.config}: differs from the configuration given; resume with --config {folder.config}")


def _check_descent(config: TrainingConfig, weights: Path) -> None:
    if config.choose_fold != LESION_WEIGHTS_FOLD:
        raise UserError(
            f"{weights}: has a classifier of lesions, so it has seen folds 0 to 3; set choose_fold to"
            f" {LESION_WEIGHTS_FOLD} and train_folds within 0 to 3"
        )


def _select_records(records: Sequence[Record], config: TrainingConfig) -> list[Record]:
    """Those of the training and choosing folds: no run ever opens an image of the test fold."""
    folds = read_split()
    strange = [record.image_id for record in records if record.image_id not in folds]
    if strange:
        raise UserError(f"{strange[0]}: is not in the frozen split; train on the images of ISIC 2018 Task 3")
    wanted = {*config.train_folds, config.choose_fold}
    return [record for record in records if folds[record.image_id] in wanted]


def _fit(
    model: torch.nn.Module,
    config: TrainingConfig,
    cache: PixelCache,
    in_training: npt.NDArray[np.bool_],
    folder: RunFolder,
    precision: str,
) -> None:
    positions = np.flatnonzero(in_training)
    if in_training.all():
        raise UserError(f"no image of fold {config.choose_fold} in the data; it is needed to choose and calibrate")
    weights, prior = weigh_classes(cache.labels[positions], power=config.sampling_power)
    batches = WeightedBatches(positions, weights, batch_size=config.batch_size, seed=config.seed)
    alter = None
    if config.augmentation.kind == "albumentations":
        from ml.training.augment_albumentations import make_alter  # noqa: PLC0415  # only where it is configured

        alter = make_alter(config.augmentation)
    train_set = CachedBatches(cache, alter)
    workers = config.augmentation.workers if alter else 0
    schedule = Schedule(
        config.stages,
        steps_per_epoch=len(batches),
        warmup_epochs=config.warmup_epochs,
        final_fraction=config.final_learning_rate,
    )
    train_set.size.fill_(schedule.size)
    module = LesionModule(model, config, schedule, prior, train_set)
    trainer = _make_trainer(config, folder, precision)
    choosing = OrderedBatches(np.flatnonzero(~in_training), batch_size=config.batch_size)
    trainer.fit(
        module,
        DataLoader(train_set, sampler=batches, batch_size=None, num_workers=workers),
        DataLoader(CachedBatches(cache), sampler=choosing, batch_size=None),
        ckpt_path=folder.last_checkpoint if folder.last_checkpoint.is_file() else None,
    )
    if trainer.interrupted:
        raise KeyboardInterrupt


def _make_trainer(config: TrainingConfig, folder: RunFolder, precision: str) -> lightning.Trainer:
    checkpoint = ModelCheckpoint(
        folder.checkpoints,
        filename="best",
        monitor="balanced_accuracy",
        mode="max",
        save_last=True,
        enable_version_counter=False,
        save_on_train_epoch_end=True,
    )
    # The batches are whole already and pixels come from memory: workers would only copy them.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    return lightning.Trainer(
        max_epochs=sum(stage.epochs for stage in config.stages),
        precision=PRECISIONS[precision],
        gradient_clip_val=config.clip,
        callbacks=[checkpoint, EpochTable(folder.metrics), RunProgress()],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=folder.path,
    )


def _describe(
    folder: RunFolder,
    config: TrainingConfig,
    weights: Path | None,
    cache: PixelCache,
    timings: dict[str, dict[str, float]],
    precision: str,
) -> None:
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.config.write_text(yaml.safe_dump(config.to_dict(), sort_keys=False), encoding="utf-8")
    description: dict[str, Any] = {
        "git_revision": _git_revision(),
        "data_sha256": cache.data_sha256,
        "split_sha256": SPLIT_SHA256,
        "weights": None if weights is None else {"name": weights.name, "sha256": hash_file(weights)},
        "seed": config.seed,
        "precision": precision,
        "milliseconds_per_training_image": timings,
        "environment": {
            "python": platform.python_version(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            **{name: version(name) for name in ("torch", "timm", "lightning", "numpy", "pillow")},
        },
        "command": sys.argv,
    }
    folder.description.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def _git_revision() -> str | None:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() or None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
