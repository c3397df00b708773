"""The Lightning module of the network under training."""

import time
from typing import Any

import lightning
import numpy as np
import torch
from timm.data.mixup import Mixup
from timm.optim._param_groups import param_groups_layer_decay, param_groups_weight_decay
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import MeanMetric
from torchmetrics.classification import BinaryAUROC, MulticlassAccuracy

from ml.networks.backbone import to_channels_last
from ml.taxonomy import CLASSES, MALIGNANT_INDICES
from ml.training.augment_tensor import augment, augment_beside, view_cached
from ml.training.config import Augmentation, TrainingConfig
from ml.training.dataset import Batch, CachedBatches
from ml.training.degradation import degrade, degrade_by_kind
from ml.training.losses import DivergedError, LabelLoss, distil
from ml.training.schedule import Schedule
from ml.training.teachers import Teachers
from ml.training.unfreezing import freeze_norms, unfreeze

CHECK_EVERY = 20
"""Batches between checks of the loss on a GPU, since each check synchronises."""


class LesionModule(lightning.LightningModule):
    """Trains ``model`` and keeps its exponential moving average, which is validated and exported.

    ``loss`` includes the class frequencies of the sampling; the buffer ``prior`` (7,) is the class prior of the
    trained softmax, by which balanced scores are divided.
    """

    prior: Tensor
    mean: Tensor
    std: Tensor
    is_diverged: Tensor

    def __init__(
        self,
        model: nn.Module,
        config: TrainingConfig,
        schedule: Schedule,
        loss: LabelLoss,
        train_set: CachedBatches,
    ) -> None:
        super().__init__()
        self.model = to_channels_last(model)
        self.average = ModelEmaV3(self.model, decay=config.ema_decay, use_warmup=True)
        self.average.requires_grad_(requires_grad=False)  # otherwise DDP waits for their gradients
        self.config = config
        self.schedule = schedule
        self.train_set = train_set
        self.loss = loss
        self.register_buffer("prior", loss.learnt_prior)
        self.teachers = Teachers(config.distillation, self.prior) if config.distillation.teachers else None
        normalisation: dict[str, Any] = model.pretrained_cfg  # type: ignore[assignment] # timm adds it
        self.register_buffer("mean", torch.tensor(normalisation["mean"])[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(normalisation["std"])[:, None, None], persistent=False)
        self.mix = make_mix(config.augmentation)
        self.nll = MeanMetric()
        self.balanced_accuracy = MulticlassAccuracy(num_classes=len(CLASSES), average="macro")
        self.recalls = MulticlassAccuracy(num_classes=len(CLASSES), average=None)
        self.malignancy_auc = BinaryAUROC()
        self.register_buffer("is_diverged", torch.zeros((), dtype=torch.bool), persistent=False)
        self.epoch_size = schedule.size
        self.moment = 0.0
        self.averaged_at = 0
        if config.compile:
            self.model.compile()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        decay = self.config.weight_decay
        if self.config.layer_decay < 1:
            groups = param_groups_layer_decay(self.model, decay, layer_decay=self.config.layer_decay)
        else:
            groups = param_groups_weight_decay(self.model, decay)
        return torch.optim.AdamW(groups, lr=self.config.learning_rate)

    def on_train_start(self) -> None:
        self.averaged_at = self.global_step

    def on_train_epoch_start(self) -> None:
        self.epoch_size = self.schedule.size
        self.moment = time.monotonic()
        if self.config.freeze_norms:
            freeze_norms(self.model)
        if self.config.unfreeze_epochs:
            unfreeze(self.model, (self.current_epoch + 1) / (self.config.unfreeze_epochs + 1))

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Every random draw follows from seed and step, so that a resumed run equals an uninterrupted one.
        drawn = self.config.seed + self.schedule.steps * self.trainer.world_size + self.global_rank
        torch.manual_seed(drawn)
        np.random.seed(drawn)  # noqa: NPY002 timm's Mixup draws from it
        self.train_set.size.fill_(self.schedule.size)
        rate = self.config.learning_rate * self.schedule.learning_rate_factor
        self.log("learning_rate", rate)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate * group.get("lr_scale", 1.0)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        images, clean = self._augment(batch)
        images, targets = self.mix(images, batch.labels)
        logits = self._run(self.model, images, batch.metadata)
        loss = self._compare(logits, images if clean is None else clean, targets, batch)
        self.is_diverged |= ~loss.detach().isfinite()
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.labels), sync_dist=True)
        return loss

    def _augment(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """The student's images (N, 3, S, S), and the teachers' if these are the clean crops."""
        config, size = self.config.augmentation, self.schedule.size
        if config.kind == "albumentations":  # the loader has augmented them
            return batch.pixels.permute(0, 3, 1, 2).float() / 255, None
        pixels = degrade_by_kind(degrade(batch.pixels, config.degrade_probability), config.degradation)
        if self.config.distillation.clean_crop:
            return augment_beside(pixels, batch.pixels, batch.widths, size, config)
        return augment(pixels, batch.widths, size, config), None

    def _compare(self, logits: Tensor, images: Tensor, targets: Tensor, batch: Batch) -> Tensor:
        share = self.config.distillation.share if self.teachers is not None else 0.0
        loss = logits.new_zeros(())
        if share < 1:
            loss = loss + (1 - share) * self.loss(logits, targets)
        if self.teachers is not None:
            loss = loss + share * distil(logits, self._teach(self.teachers, images, batch))
        return loss

    def _teach(self, teachers: Teachers, images: Tensor, batch: Batch) -> Tensor:
        fractions = self.config.distillation.views
        if not fractions:
            targets: Tensor = teachers(images, batch.fold)
            return targets
        views = (view_cached(batch.pixels, batch.widths, fraction, self.schedule.size) for fraction in fractions)
        return torch.stack([teachers(view, batch.fold) for view in views]).mean(dim=0)

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        if self.global_step != self.averaged_at:  # Lightning also steps at the end of an epoch
            self.average.update(self.model, step=self.global_step)
            self.averaged_at = self.global_step
        if self.device.type == "cpu" or (batch_idx + 1) % CHECK_EVERY == 0:
            self._stop_where_diverged(bool(self.is_diverged))
        now = time.monotonic()
        self.schedule.advance(now - self.moment)
        self.moment = now
        self._stop_when_finished()

    def on_validation_epoch_end(self) -> None:
        self._stop_where_diverged(bool(self.is_diverged) or not bool(self.nll.compute().isfinite()))
        for code, recall in zip(CLASSES, self.recalls.compute(), strict=True):
            self.log(f"recall_{code}", recall)
        self.recalls.reset()

    def _stop_where_diverged(self, is_diverged: bool) -> None:  # noqa: FBT001 what it asks is its one argument
        if is_diverged:
            raise DivergedError(
                f"epoch {self.current_epoch + 1}: the loss is not finite; lower learning_rate"
                f" ({self.config.learning_rate:g}) or set precision: fp32, and start in a new --out"
            )

    def on_train_epoch_end(self) -> None:
        self.schedule.add_seconds(time.monotonic() - self.moment)  # time of validation
        self._stop_when_finished()

    def _stop_when_finished(self) -> None:
        if self.schedule.finished:
            self.trainer.should_stop = True

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        views = view_cached(batch.pixels, batch.widths, self.config.validation_fraction, self.epoch_size)
        logits, labels = self._run(self.average, views, batch.metadata).float(), batch.labels
        probabilities = logits.softmax(dim=1)
        self.nll.update(functional.cross_entropy(logits, labels, reduction="none"))
        self.balanced_accuracy.update(probabilities / self.prior, labels)
        self.recalls.update(probabilities / self.prior, labels)
        malignant = torch.tensor(MALIGNANT_INDICES, device=labels.device)
        self.malignancy_auc.update(probabilities[:, malignant].sum(dim=1), torch.isin(labels, malignant).long())
        self.log("nll", self.nll, batch_size=len(labels))
        self.log("balanced_accuracy", self.balanced_accuracy, batch_size=len(labels))
        self.log("malignancy_auc", self.malignancy_auc, batch_size=len(labels))

    def _run(self, model: nn.Module, images: Tensor, metadata: Tensor) -> Tensor:
        images = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        logits: Tensor = model(images, metadata) if metadata.shape[1] else model(images)
        return logits

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["schedule"] = self.schedule.state_dict()
        for name in [name for name in checkpoint["state_dict"] if name.startswith("teachers.")]:
            del checkpoint["state_dict"][name]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.schedule.load_state_dict(checkpoint["schedule"])
        if self.teachers is not None:  # loaded from their own files
            own = self.teachers.state_dict(prefix="teachers.")
            checkpoint["state_dict"] = {**checkpoint["state_dict"], **own}


def make_mix(config: Augmentation) -> Mixup:
    """Mixup of timm: each batch is mixed by MixUp (Zhang et al., ICLR 2018) or by CutMix (Yun et al., ICCV 2019)."""
    return Mixup(  # type: ignore[no-untyped-call] # timm's
        mixup_alpha=config.mixup_alpha,
        cutmix_alpha=config.cutmix_alpha,
        prob=config.mix_probability if config.mixup_alpha or config.cutmix_alpha else 0.0,
        label_smoothing=0.0,
        num_classes=len(CLASSES),
    )
