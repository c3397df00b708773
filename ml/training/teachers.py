"""Teachers for distillation, and the folds that they have seen."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ml.data.split import TRAINING_FOLDS
from ml.errors import UserError
from ml.networks.backbone import create_backbone, load_weights, to_channels_last
from ml.training.config import Distillation, Teacher, TrainingConfig

ASSUMED_SEEN = TRAINING_FOLDS
"""Folds assumed as seen for lesion weights whose file does not state them."""


class Teachers(nn.Module):
    """Mean of the teachers' probabilities, each moved from its training prior to ``prior`` (7,)."""

    prior: Tensor

    def __init__(self, config: Distillation, prior: Tensor) -> None:
        super().__init__()
        loaded = [load_teacher(teacher) for teacher in config.teachers]
        self.seen = [set(find_seen_folds(teacher)) for teacher in config.teachers] if config.out_of_fold else []
        self.models = nn.ModuleList(model for model, _ in loaded).requires_grad_(requires_grad=False)
        self.register_buffer("prior_ratios", torch.stack([prior / own for _, own in loaded]), persistent=False)

    def train(self, mode: bool = True) -> "Teachers":  # noqa: FBT001, ARG002 torch's signature
        """Stay in evaluation mode, whatever the student does."""
        return super().train(mode=False)

    @torch.no_grad()
    def forward(self, pixels: Tensor, fold: str = "") -> Tensor:
        """Probabilities (N, 7) for images (N, 3, S, S), 0 to 1.

        Out of fold, only the teachers that have not seen the images' ``fold`` are used.
        """
        chosen = [index for index in range(len(self.models)) if not self.seen or fold not in self.seen[index]]
        total = torch.zeros((), device=pixels.device)
        for index in chosen:
            model, ratio = self.models[index], cast("Tensor", self.prior_ratios)[index]
            normalisation = cast("dict[str, Any]", model.pretrained_cfg)
            mean, std = (pixels.new_tensor(normalisation[name])[:, None, None] for name in ("mean", "std"))
            images = ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)
            adapted = model(images).float().softmax(dim=1) * ratio
            total = total + adapted / adapted.sum(dim=1, keepdim=True)
        return total / len(chosen)


def list_seen_folds(config: TrainingConfig, weights: Path | None) -> tuple[str, ...]:
    """All folds that a run's network has seen, directly or through initial ``weights`` and teachers.

    Raises ``UserError`` if these have seen the fold that judges the run, or if every teacher has seen a fold that is
    to be taught out of fold.
    """
    held_out = None if config.choose_fold in config.train_folds else config.choose_fold
    seen_by_file = {
        teacher.weights: teacher.seen or read_seen_folds(Path(teacher.weights))
        for teacher in config.distillation.teachers
    }
    if weights is not None:
        declared = seen_by_file.get(str(weights)) or ()
        seen_by_file[str(weights)] = (*declared, *(read_seen_folds(weights) or ASSUMED_SEEN))
    for name, folds in seen_by_file.items():
        if held_out in (folds or ()):
            raise UserError(f"{name}: has seen fold {held_out}, which judges this run; give weights that have not")
    if config.distillation.out_of_fold:
        _check_teaching(config)
    return tuple(sorted({*config.train_folds, *(fold for folds in seen_by_file.values() for fold in folds or ())}))


def _check_teaching(config: TrainingConfig) -> None:
    seen = [find_seen_folds(teacher) for teacher in config.distillation.teachers]
    for fold in config.train_folds:
        if all(fold in folds for folds in seen):
            raise UserError(
                f"distillation.teachers: all have seen fold {fold}; add one that has not, or unset out_of_fold"
            )


def find_seen_folds(teacher: Teacher) -> Collection[str]:
    """The folds that a teacher has seen. Raises ``UserError`` if neither file nor configuration states them."""
    folds = teacher.seen or read_seen_folds(Path(teacher.weights))
    if not folds:
        raise UserError(f"{teacher.weights}: does not state the folds it was trained on; list them in its `seen`")
    return folds


def read_seen_folds(path: Path) -> tuple[str, ...] | None:
    """The folds that a safetensors file declares as seen; None if it declares none."""
    try:
        with safe_open(path, "pt") as file:
            folds = (file.metadata() or {}).get("folds")
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read as safetensors ({error}); give a run's weights.safetensors") from error
    return None if folds is None else tuple(folds.split())


def load_teacher(teacher: Teacher) -> tuple[nn.Module, Tensor]:
    """The network of a file and its training prior (7,). Raises ``UserError`` if either is unknown."""
    path = Path(teacher.weights)
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read as safetensors ({error}); give a run's weights.safetensors") from error
    architecture = teacher.architecture or metadata.get("architecture", "")
    prior = teacher.prior or tuple(float(value) for value in metadata.get("prior", "").split())
    if not architecture or not prior:
        raise UserError(f"{path}: does not state architecture and prior; give both in the configuration")
    model = create_backbone(architecture)
    if not load_weights(model, path):
        raise UserError(f"{path}: has no classifier of seven classes; give a network trained on lesions")
    return to_channels_last(model).eval(), torch.tensor(prior)
