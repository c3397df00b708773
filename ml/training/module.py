"""The network under training, as Lightning drives it."""

import time
from typing import Any

import lightning
import numpy as np
import torch
from timm.data.mixup import Mixup
from timm.optim._param_groups import param_groups_weight_decay
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.classification import BinaryAUROC, MulticlassAccuracy

from ml.models.backbone import to_channels_last
from ml.taxonomy import CLASSES, MALIGNANT_INDICES
from ml.training.augment_tensor import augment
from ml.training.config import TrainingConfig
from ml.training.dataset import Batch, CachedBatches
from ml.training.schedule import Schedule


class LesionModule(lightning.LightningModule):
    """Trains ``model`` and keeps its moving average, which is what is validated and exported.

    ``prior`` (7,) is the class prior that the sampling presents: balanced scores are divided by it.
    """

    prior: Tensor
    mean: Tensor
    std: Tensor

    def __init__(
        self, model: nn.Module, config: TrainingConfig, schedule: Schedule, prior: Tensor, train_set: CachedBatches
    ) -> None:
        super().__init__()
        self.model = to_channels_last(model)
        self.average = ModelEmaV3(self.model, decay=config.ema_decay, use_warmup=True)
        self.config = config
        self.schedule = schedule
        self.train_set = train_set
        normalisation: dict[str, Any] = model.pretrained_cfg  # type: ignore[assignment]  # timm adds it
        self.register_buffer("prior", prior)
        self.register_buffer("mean", torch.tensor(normalisation["mean"])[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(normalisation["std"])[:, None, None], persistent=False)
        alterations = config.augmentation
        self.mix = Mixup(  # type: ignore[no-untyped-call]  # timm's
            mixup_alpha=alterations.mixup_alpha,
            cutmix_alpha=alterations.cutmix_alpha,
            prob=alterations.mix_probability,
            label_smoothing=0.0,
            num_classes=len(CLASSES),
        )
        self.balanced_accuracy = MulticlassAccuracy(num_classes=len(CLASSES), average="macro")
        self.malignancy_auc = BinaryAUROC()
        self.epoch_size = schedule.size
        self.moment = 0.0

    def configure_optimizers(self) -> torch.optim.Optimizer:
        groups = param_groups_weight_decay(self.model, self.config.weight_decay)
        return torch.optim.AdamW(groups, lr=self.config.learning_rate)

    def on_train_epoch_start(self) -> None:
        self.epoch_size = self.schedule.size
        self.moment = time.monotonic()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Every random draw follows from seed and step, so that a resumed run equals an uninterrupted one.
        torch.manual_seed(self.config.seed + self.global_step)
        np.random.seed(self.config.seed + self.global_step)  # noqa: NPY002  # timm's Mixup draws from it
        self.train_set.size.fill_(self.schedule.size)
        rate = self.config.learning_rate * self.schedule.learning_rate_factor
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        pixels, widths, labels = batch
        if self.config.augmentation.kind == "tensor":
            images = augment(pixels, widths, self.schedule.size, self.config.augmentation)
        else:
            images = pixels.permute(0, 3, 1, 2).float() / 255
        images, targets = self.mix(images, labels)
        logits = self.model(self._normalise(images))
        loss = functional.cross_entropy(logits.float(), targets)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        self.average.update(self.model, step=self.global_step)
        now = time.monotonic()
        self.schedule.advance(now - self.moment)
        self.moment = now
        self._stop_when_finished()

    def on_train_epoch_end(self) -> None:
        self.schedule.add_seconds(time.monotonic() - self.moment)  # of validation
        self._stop_when_finished()

    def _stop_when_finished(self) -> None:
        if self.schedule.finished:
            self.trainer.should_stop = True

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        pixels, widths, labels = batch
        views = view_cached(pixels, widths, self.config.validation_fraction, self.epoch_size)
        logits = self.average(self._normalise(views)).float()
        probabilities = logits.softmax(dim=1)
        self.log("nll", functional.cross_entropy(logits, labels), batch_size=len(labels))
        self.balanced_accuracy.update(probabilities / self.prior, labels)
        malignant = torch.tensor(MALIGNANT_INDICES, device=labels.device)
        self.malignancy_auc.update(probabilities[:, malignant].sum(dim=1), torch.isin(labels, malignant).long())
        self.log("balanced_accuracy", self.balanced_accuracy, batch_size=len(labels))
        self.log("malignancy_auc", self.malignancy_auc, batch_size=len(labels))

    def _normalise(self, images: Tensor) -> Tensor:
        return ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["schedule"] = self.schedule.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.schedule.load_state_dict(checkpoint["schedule"])


def view_cached(pixels: Tensor, widths: Tensor, fraction: float, size: int) -> Tensor:
    """The central ``fraction`` of cached images, squashed: (N, H, W, 3) uint8 to (N, 3, size, size) float, 0 to 1,
    antialiased bicubic."""
    height = pixels.shape[1]
    views = torch.empty((len(pixels), 3, size, size), device=pixels.device)
    for width in set(widths.tolist()):
        chosen = widths == width
        top, left = round(height * (1 - fraction) / 2), round(width * (1 - fraction) / 2)
        content = pixels[chosen][:, top : height - top, left : width - left].permute(0, 3, 1, 2).float()
        resized = functional.interpolate(content, (size, size), mode="bicubic", antialias=True, align_corners=False)
        views[chosen] = resized.div(255).clamp(0, 1)
    return views
