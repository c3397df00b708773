"""Check before hours of training that a configuration's network can become a bundle."""

import torch
from torch import nn

from ml.build.assemble import rehearse_export
from ml.errors import UserError
from ml.networks.backbone import create_backbone
from ml.training.checkpoint import describe_input
from ml.training.config import TrainingConfig
from ml.training.servable import METADATA


def check_servable(config: TrainingConfig) -> None:
    """Raise ``UserError`` for a network that cannot be served.

    That is one that reads metadata, does not accept one of the candidate sizes, or whose two graphs would differ,
    which a trial export at the smallest size shows.
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
