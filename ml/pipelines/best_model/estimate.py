"""Estimated GPU time of a stage, from its number of operations."""

from collections.abc import Sequence
from functools import cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from ml.data.split import read_split
from ml.networks.backbone import create_backbone
from ml.pipelines.best_model.plan import BestModelPlan
from ml.training.config import TrainingConfig

IMAGES_PER_SECOND = 5500
"""Training images of Lite0 at 224 px per second on one H100, measured (docs/best-model.md)."""
REFERENCE = ("tf_efficientnet_lite0", 224)
FORWARD_SHARE = 1 / 3
"""Share of the forward pass in a training step: the backward pass costs two forward passes."""
START_MINUTES = 1.0
"""Assumed, not measured: imports, copying the pixels, cuDNN's first steps, and the final predictions."""


def estimate_minutes(plan: BestModelPlan, config: TrainingConfig, teachers: Sequence[str]) -> float:
    """Minutes of a training on an H100, limited by its stages' minutes.

    ``teachers``: the architectures that teach an image.
    """
    images = sum(1 for fold in read_split().fold_of.values() if fold in config.train_folds)
    images = images if plan.images is None else round(plan.images * len(config.train_folds) / len(plan.folds))
    minutes = START_MINUTES
    for part in config.stages:
        taught = sum(FORWARD_SHARE * count_operations(name, part.size) for name in teachers)
        cost = taught + count_operations(config.architecture, part.size)
        taken = part.epochs * images * cost / count_operations(*REFERENCE) / IMAGES_PER_SECOND / 60
        minutes += taken if part.minutes is None else min(taken, part.minutes)
    return minutes


@cache
def count_operations(architecture: str, size: int) -> int:
    """FLOPs of one forward pass of one image."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        create_backbone(architecture).eval()(torch.empty(1, 3, size, size))
    return int(counter.get_total_flops())
