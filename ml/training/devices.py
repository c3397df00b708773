"""Distributed training on several devices of one machine (Lightning's DDP)."""

import os
from typing import Any

import torch

from ml.errors import UserError
from ml.training.config import TrainingConfig
from ml.training.dataset import ALONE, Shard


def is_first_process() -> bool:
    """Whether this is rank 0, which writes the files; Lightning sets a rank in the environment of the others."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def current_shard(devices: int) -> Shard:
    """The shard of this process."""
    return ALONE if devices == 1 else Shard(int(os.environ.get("LOCAL_RANK", "0")), devices)


def check_devices(config: TrainingConfig, devices: int) -> None:
    """Raise ``UserError`` for options that distributed training does not support."""
    if devices < 1:
        raise UserError(f"--devices is {devices}; it must be at least 1")
    if devices == 1:
        return
    if config.batch_size % (2 * devices):
        raise UserError(f"batch_size: {config.batch_size} does not deal evenly to {devices} devices; use a multiple")
    if any(stage.minutes is not None for stage in config.stages):
        raise UserError("stages: minutes are each process's own; leave them out with several devices")
    if torch.cuda.is_available() and devices > torch.cuda.device_count():
        raise UserError(f"--devices is {devices}, but this machine has {torch.cuda.device_count()} GPUs")


def choose_strategy(config: TrainingConfig, devices: int) -> dict[str, Any]:
    """Lightning's arguments for the devices; DDP needs to know of frozen layers, which have no gradients."""
    if devices == 1:
        return {"devices": 1}
    name = "ddp_find_unused_parameters_true" if config.unfreeze_epochs else "ddp"
    return {"devices": devices, "accelerator": "auto" if torch.cuda.is_available() else "cpu", "strategy": name}
