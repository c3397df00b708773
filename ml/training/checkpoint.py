"""The network in a run's checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn

from ml.bundle.manifest import InputSpec, ViewSpec
from ml.errors import UserError
from ml.networks.backbone import create_backbone, to_channels_last
from ml.networks.metadata import MetadataFusion
from ml.serve.preprocess import MAX_ASPECT
from ml.training.checkpoint_files import read_checkpoint
from ml.training.config import TrainingConfig

AVERAGE_PREFIX = "average.module."


def fuse_metadata(backbone: nn.Module, config: TrainingConfig) -> nn.Module:
    """The backbone, wrapped with the metadata that the configuration names, if any."""
    return MetadataFusion(backbone, config.metadata, config.metadata_dropout) if config.metadata else backbone


def load_average(checkpoint: Path, config: TrainingConfig) -> tuple[nn.Module, Tensor]:
    """Load the moving average of a checkpoint in evaluation mode, and the prior (7,) of its training."""
    state = read_checkpoint(checkpoint)["state_dict"]
    model = fuse_metadata(create_backbone(config.architecture, options=config.architecture_options), config)
    own = {name.removeprefix(AVERAGE_PREFIX): value for name, value in state.items() if name.startswith(AVERAGE_PREFIX)}
    try:
        model.load_state_dict(own)
    except RuntimeError as error:
        raise UserError(f"{checkpoint}: does not fit {config.architecture}; its run folder has been changed") from error
    return to_channels_last(model).eval(), state["prior"]


def describe_input(model: nn.Module, size: int, fractions: Sequence[float]) -> InputSpec:
    """The manifest's input: ``size`` (px), central fractions of the views, and the network's normalisation."""
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
