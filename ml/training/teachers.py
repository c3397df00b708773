"""Trained networks that a student learns from, and what of the data they have seen."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ml.errors import UserError
from ml.networks.backbone import create_backbone, load_weights, to_channels_last
from ml.training.config import Distillation, Teacher, TrainingConfig

SEEN_BY_OTHERS = ("0", "1", "2", "3")
"""What weights of lesions count as having seen whose file does not tell."""


class Teachers(nn.Module):
    """The mean of the teachers' probabilities, each moved from its own training prior to ``prior`` (7,)."""

    prior: Tensor

    def __init__(self, config: Distillation, prior: Tensor) -> None:
        super().__init__()
        loaded = [load_teacher(teacher) for teacher in config.teachers]
        self.seen = [set(find_seen(teacher)) for teacher in config.teachers] if config.out_of_fold else []
        self.models = nn.ModuleList(model for model, _ in loaded).requires_grad_(requires_grad=False)
        self.register_buffer("moves", torch.stack([prior / own for _, own in loaded]), persistent=False)

    def train(self, mode: bool = True) -> "Teachers":  # noqa: FBT001, ARG002 torch's signature
        """Stay as trained, whatever the student does."""
        return super().train(mode=False)

    @torch.no_grad()
    def forward(self, pixels: Tensor, fold: str = "") -> Tensor:
        """Images (N, 3, S, S), 0 to 1, to probabilities (N, 7); where teaching is out of fold, by those teachers that
        have not seen the ``fold`` that the images are of."""
        asked = [place for place in range(len(self.models)) if not self.seen or fold not in self.seen[place]]
        total = torch.zeros((), device=pixels.device)
        for place in asked:
            model, move = self.models[place], cast("Tensor", self.moves)[place]
            normalisation = cast("dict[str, Any]", model.pretrained_cfg)
            mean, std = (pixels.new_tensor(normalisation[name])[:, None, None] for name in ("mean", "std"))
            images = ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)
            moved = model(images).float().softmax(dim=1) * move
            total = total + moved / moved.sum(dim=1, keepdim=True)
        return total / len(asked)


def list_seen(config: TrainingConfig, weights: Path | None) -> tuple[str, ...]:
    """All folds that a run's network has seen: those that it trains on, and those that the ``weights`` of lesions that
    it starts from and its teachers have, as far as they tell.

    Raises ``UserError`` where these have seen the fold that judges the run, or where no teacher has not seen a fold
    that is to be taught out of fold.
    """
    held_out = None if config.choose_fold in config.train_folds else config.choose_fold
    told = {
        teacher.weights: teacher.seen or read_seen(Path(teacher.weights)) for teacher in config.distillation.teachers
    }
    if weights is not None:
        declared = told.get(str(weights)) or ()
        told[str(weights)] = (*declared, *(read_seen(weights) or SEEN_BY_OTHERS))
    for name, folds in told.items():
        if held_out in (folds or ()):
            raise UserError(f"{name}: has seen fold {held_out}, which judges this run; give weights that have not")
    if config.distillation.out_of_fold:
        _check_teaching(config)
    return tuple(sorted({*config.train_folds, *(fold for folds in told.values() for fold in folds or ())}))


def _check_teaching(config: TrainingConfig) -> None:
    seen = [find_seen(teacher) for teacher in config.distillation.teachers]
    for fold in config.train_folds:
        if all(fold in folds for folds in seen):
            raise UserError(f"distillation.teachers: none that has not seen fold {fold}; add one, or unset out_of_fold")


def find_seen(teacher: Teacher) -> Collection[str]:
    """The folds that a teacher has seen. Raises ``UserError`` where neither file nor configuration tells."""
    folds = teacher.seen or read_seen(Path(teacher.weights))
    if not folds:
        raise UserError(f"{teacher.weights}: does not tell what folds it has seen; name them beside it in `seen`")
    return folds


def read_seen(path: Path) -> tuple[str, ...] | None:
    """The folds that a safetensors file tells its network has seen; None where it does not."""
    try:
        with safe_open(path, "pt") as file:
            folds = (file.metadata() or {}).get("folds")
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read as safetensors ({error}); give a run's weights.safetensors") from error
    return None if folds is None else tuple(folds.split())


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
