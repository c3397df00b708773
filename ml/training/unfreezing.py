"""Frozen and trainable layers: gradual unfreezing from the classifier downwards (Howard and Ruder, ACL 2018)."""

import math
from typing import Any, cast

from timm.models import group_parameters
from torch import nn

from ml.networks.backbone import get_classifier


def freeze_all_but_classifier_and_norms(model: nn.Module) -> None:
    """Freeze all else: this adapts a network to another input size (Touvron et al., NeurIPS 2019)."""
    classifier = get_classifier(model)
    for module in model.modules():
        trained = module is classifier or hasattr(module, "running_mean") or isinstance(module, nn.LayerNorm)
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(trained)


def freeze_norms(model: nn.Module) -> None:
    """Keep the statistics, scale and shift of every batch normalisation, also while the other layers train."""
    for module in model.modules():
        if hasattr(module, "running_mean"):
            module.eval().requires_grad_(requires_grad=False)


def unfreeze(model: nn.Module, share: float) -> None:
    """Train the upper ``share`` (0 to 1) of a timm model's layer groups, at least the topmost; freeze the others."""
    groups = list_layer_groups(model)
    trained = max(1, math.ceil(share * len(groups)))
    parameters = dict(model.named_parameters())
    for index, names in enumerate(groups):
        for name in names:
            parameters[name].requires_grad_(index >= len(groups) - trained)


def list_layer_groups(model: nn.Module) -> list[list[str]]:
    """Names of parameters by layer group, from the input to the classifier, as timm groups them."""
    matcher = cast("Any", model).group_matcher(coarse=True)
    groups: dict[int, list[str]] = group_parameters(model, matcher)
    return [groups[key] for key in sorted(groups)]
