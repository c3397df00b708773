"""Trained networks that a student learns from."""

from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ml.errors import UserError
from ml.models.backbone import create_backbone, load_weights, to_channels_last
from ml.training.config import Distillation, Teacher


class Teachers(nn.Module):
    """The mean of the teachers' probabilities, each moved from its own training prior to ``prior`` (7,)."""

    prior: Tensor

    def __init__(self, config: Distillation, prior: Tensor) -> None:
        super().__init__()
        loaded = [load_teacher(teacher) for teacher in config.teachers]
        self.models = nn.ModuleList(model for model, _ in loaded).requires_grad_(requires_grad=False)
        self.register_buffer("moves", torch.stack([prior / own for _, own in loaded]), persistent=False)

    def train(self, mode: bool = True) -> "Teachers":  # noqa: FBT001, ARG002  # torch's signature
        """Stay as trained, whatever the student does."""
        return super().train(mode=False)

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> Tensor:
        """Images (N, 3, S, S), 0 to 1, to probabilities (N, 7)."""
        total = torch.zeros((), device=pixels.device)
        for model, move in zip(self.models, cast("Tensor", self.moves), strict=True):
            normalisation = cast("dict[str, Any]", model.pretrained_cfg)
            mean, std = (pixels.new_tensor(normalisation[name])[:, None, None] for name in ("mean", "std"))
            images = ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)
            moved = model(images).float().softmax(dim=1) * move
            total = total + moved / moved.sum(dim=1, keepdim=True)
        return total / len(self.models)


def load_teacher(teacher: Teacher) -> tuple[nn.Module, Tensor]:
    """The network of a file and the prior (7,) of its training. Raises ``UserError`` where either is not known."""
    path = Path(teacher.weights)
    try:
        with safe_open(path, "pt") as file:
            told = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read as safetensors ({error}); give a run's weights.safetensors") from error
    architecture = teacher.architecture or told.get("architecture", "")
    prior = teacher.prior or tuple(float(value) for value in told.get("prior", "").split())
    if not architecture or not prior:
        raise UserError(f"{path}: does not tell its architecture and prior; name both beside it in the configuration")
    model = create_backbone(architecture)
    if not load_weights(model, path):
        raise UserError(f"{path}: has no classifier of seven classes; give a network trained on lesions")
    return to_channels_last(model).eval(), torch.tensor(prior)
