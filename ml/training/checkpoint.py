"""The network that a run's checkpoint holds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ml.data.cache import MAX_ASPECT
from ml.errors import UserError
from ml.models.backbone import create_backbone, to_channels_last
from ml.models.metadata import MetadataFusion
from ml.preprocess import InputSpec, ViewSpec
from ml.training.checkpoint_files import read_checkpoint
from ml.training.config import TrainingConfig
from ml.training.servable import METADATA

AVERAGE_PREFIX = "average.module."


def fuse_metadata(backbone: nn.Module, config: TrainingConfig) -> nn.Module:
    """The backbone itself, or joined by the metadata that the configuration names."""
    return MetadataFusion(backbone, config.metadata, config.metadata_dropout) if config.metadata else backbone


def load_average(checkpoint: Path, config: TrainingConfig) -> tuple[nn.Module, Tensor]:
    """The moving average of a checkpoint as a network in evaluation mode, and the prior (7,) of its training."""
    state = read_checkpoint(checkpoint)["state_dict"]
    model = fuse_metadata(create_backbone(config.architecture, options=config.architecture_options), config)
    own = {name.removeprefix(AVERAGE_PREFIX): value for name, value in state.items() if name.startswith(AVERAGE_PREFIX)}
    try:
        model.load_state_dict(own)
    except RuntimeError as error:
        raise UserError(f"{checkpoint}: does not fit {config.architecture}; its run folder has been changed") from error
    return to_channels_last(model).eval(), state["prior"]


def check_servable(model: nn.Module, config: TrainingConfig) -> None:
    """Raise ``UserError`` for a network that a bundle cannot hold: one that reads metadata, cannot read at one of the
    sizes that are to be chosen from, or whose two graphs would differ.

    A copy is exported at the smallest size to see that, whatever its weights, and thrown away.
    """
    if config.metadata:
        raise UserError(METADATA)
    sizes = sorted({plan.size for plan in config.readings})
    for size in sizes:
        _check_reads(model, size, config.architecture)
    from ml.build import rehearse_export  # noqa: PLC0415  # training alone does without ONNX

    rehearse_export(model, describe_input(model, sizes[0], (1.0,)), config.architecture)


def describe_input(model: nn.Module, size: int, fractions: Sequence[float]) -> InputSpec:
    """How a network is read at that size (px) in these central fractions, normalised as it was trained."""
    normalisation = cast("Any", model).pretrained_cfg
    return InputSpec(
        size=size,
        views=tuple(ViewSpec(f"central {100 * part:.0f} %", part) for part in fractions),
        max_aspect_ratio=MAX_ASPECT,
        interpolation="bicubic",
        mean=tuple(normalisation["mean"]),
        std=tuple(normalisation["std"]),
        layout="NHWC",
    )


def _check_reads(model: nn.Module, size: int, architecture: str) -> None:
    trained = model.training
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, 3, size, size))
    except (AssertionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:100]
        raise UserError(
            f"readings: {architecture} cannot read at {size} px ({reason}); name sizes that it takes, or its img_size"
            " in architecture_options"
        ) from error
    finally:
        model.train(trained)
