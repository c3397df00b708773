"""The network that a run's checkpoint holds."""

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ml.errors import UserError
from ml.models.backbone import create_backbone, get_classifier, to_channels_last
from ml.models.metadata import MetadataFusion
from ml.training.checkpoint_files import read_checkpoint
from ml.training.config import TrainingConfig

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
    """Raise ``UserError`` for a network that a bundle cannot hold.

    That is one that reads metadata, or whose classifier does not stand on a map of features (N, C, h, w), from which
    serving draws where it looked.
    """
    if config.metadata:
        raise UserError("metadata: a network that reads metadata cannot be served; leave it out, or --no-export")
    size = config.stages[-1].size
    trained = model.training
    with torch.no_grad():
        features: Tensor = cast("Any", model.eval()).forward_features(torch.zeros(1, 3, size, size))
    model.train(trained)
    if features.ndim != 4 or features.shape[1] != get_classifier(model).in_features:
        raise UserError(
            f"architecture: {config.architecture} cannot be served, for its classifier stands on no map of features;"
            " train it with --no-export"
        )
