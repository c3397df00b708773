"""timm backbones with a seven-class classifier, initialised from safetensors files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ml.errors import UserError
from ml.taxonomy import CLASSES

CLASSIFIER_STD = 0.01
"""Nearly zero: with timm's default for EfficientNet the loss starts at 8 instead of ln 7 = 1.95."""


class HubError(Exception):
    """The hub of pretrained weights cannot be reached, or has none for the architecture."""


def create_backbone(
    architecture: str,
    *,
    dropout: float = 0.0,
    drop_path: float = 0.0,
    options: Mapping[str, Any] | None = None,
    pretrained: bool = False,
) -> nn.Module:
    """Create a timm model with a new, nearly zero classifier for ``CLASSES``.

    ``options`` go to timm; raises ``UserError`` for those that the architecture does not take. Only ``pretrained``
    downloads, from the hub; raises ``HubError`` if that cannot be reached or has no such weights.
    """
    if not timm.is_model(architecture):
        raise UserError(f"architecture: timm knows no model {architecture!r}; `timm.list_models()` names them")
    named: dict[str, Any] = {"num_classes": len(CLASSES), "drop_rate": dropout, **(options or {})}
    if drop_path:
        named["drop_path_rate"] = drop_path
    try:
        model: nn.Module = timm.create_model(architecture, pretrained=pretrained, **named)
    except TypeError as error:
        raise UserError(f"architecture_options: {architecture} does not take them ({error}); change them") from error
    except (OSError, RuntimeError, ValueError) as error:
        if not pretrained:
            raise
        raise HubError(f"{architecture}: no weights from the hub ({' '.join(str(error).split())[:120]})") from error
    classifier = get_classifier(model)
    nn.init.normal_(classifier.weight, std=CLASSIFIER_STD)
    nn.init.zeros_(classifier.bias)
    return model


def get_classifier(model: nn.Module) -> nn.Linear:
    """The last linear layer of a timm model. Raises ``UserError`` if it is no linear layer."""
    classifier = model.get_submodule(str(model.default_cfg["classifier"]))  # type: ignore[index]  # timm adds it
    if not isinstance(classifier, nn.Linear):
        raise UserError("architecture: its classifier is not one linear layer; choose another timm model")
    return classifier


def load_weights(model: nn.Module, path: Path) -> bool:
    """Load a state dict with timm's names into ``model``; everything but the classifier must fit.

    Returns whether the file's classifier fitted as well and was loaded: then the weights come from lesions, not
    ImageNet. Raises ``UserError`` for an unreadable or unsuitable file.
    """
    try:
        state = {name: tensor.float() for name, tensor in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read as safetensors ({error}); give a .safetensors state dict") from error
    prefix = str(model.default_cfg["classifier"]) + "."  # type: ignore[index] # timm adds it
    own = model.state_dict()
    takes_classifier = all(_fits(own, state, name) for name in own if name.startswith(prefix))
    if not takes_classifier:
        state = {name: tensor for name, tensor in state.items() if not name.startswith(prefix)}
    wrong = sorted(name for name in state if not _fits(own, state, name))
    missing = sorted(
        name
        for name in own.keys() - state.keys()
        if not name.endswith("num_batches_tracked") and not name.startswith(prefix)
    )
    if wrong or missing:
        raise UserError(
            f"{path}: does not fit this architecture (first at {[*wrong, *missing][0]}); give its own weights"
        )
    model.load_state_dict(state, strict=False)
    return takes_classifier


def _fits(own: dict[str, Tensor], state: dict[str, Tensor], name: str) -> bool:
    return name in own and name in state and own[name].shape == state[name].shape


def to_channels_last(model: nn.Module) -> nn.Module:
    """Convert to channels-last memory format, which is the fastest for convolutions on CPU and GPU."""
    return model.to(memory_format=torch.channels_last)
