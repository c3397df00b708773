"""Whether the network of a configuration can become a bundle, told before hours of training are spent on it."""

import torch
from torch import nn

from ml.build.assemble import rehearse_export
from ml.errors import UserError
from ml.networks.backbone import create_backbone
from ml.training.checkpoint import describe_input
from ml.training.config import TrainingConfig
from ml.training.servable import METADATA


def check_servable(config: TrainingConfig) -> None:
    """Raise ``UserError`` for a network that a bundle cannot hold: one that reads metadata, cannot read at one of the
    sizes that are to be chosen from, or whose two graphs would differ.

    A fresh one is exported at the smallest size to see that, and thrown away.
    """
    if config.metadata:
        raise UserError(METADATA)
    model = create_backbone(config.architecture, options=config.architecture_options)
    sizes = sorted({plan.size for plan in config.readings})
    for size in sizes:
        _check_reads(model, size, config.architecture)
    rehearse_export(model, describe_input(model, sizes[0], (1.0,)), config.architecture)


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
