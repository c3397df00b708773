"""Lightning callbacks: the log file and the progress display of a run."""

import csv
import importlib.util
import io
import math
import sys
import time
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from tqdm import tqdm

from ml.support.disk import write_whole
from ml.training.config import TrainingConfig
from ml.training.folder import RunFolder
from ml.training.module import CHECK_EVERY, LesionModule

COLUMNS = (
    "epoch",
    "size",
    "learning_rate",
    "train_loss",
    "nll",
    "balanced_accuracy",
    "malignancy_auc",
    "minutes",
    "images_per_second",
)


class EpochLog(lightning.Callback):
    """Writes one row of ``metrics.csv`` for each epoch; a resumed run drops the rows of epochs that it repeats."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = 0.0
        self.trained = 0.0

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.start = time.monotonic()

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.trained = time.monotonic()

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        assert isinstance(pl_module, LesionModule)
        seen = trainer.callback_metrics
        if not trainer.is_global_zero:
            return
        row: dict[str, Any] = {name: f"{float(seen[name]):.5f}" for name in COLUMNS if name in seen}
        row["epoch"] = trainer.current_epoch + 1
        row["size"] = pl_module.epoch_size
        row["learning_rate"] = f"{max(group['lr'] for group in trainer.optimizers[0].param_groups):.3e}"
        row["minutes"] = f"{(time.monotonic() - self.start) / 60:.2f}"
        images = pl_module.schedule.steps_per_epoch * pl_module.config.batch_size
        row["images_per_second"] = f"{images / (self.trained - self.start):.1f}"
        rows = [old for old in read_epochs(self.path) if int(old["epoch"]) <= trainer.current_epoch]
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rows, row])
        write_whole(self.path, text.getvalue())


class EarlyStopping(lightning.Callback):
    """Early stopping: ends the run's schedule after ``patience`` epochs without a lower validation loss."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best = math.inf
        self.waited = 0

    @property
    def state_key(self) -> str:
        return "EarlyEnd"  # the class's earlier name, under which checkpoints of begun runs hold its state

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        assert isinstance(pl_module, LesionModule)
        nll = float(trainer.callback_metrics["nll"])
        self.waited = 0 if nll < self.best else self.waited + 1
        self.best = min(self.best, nll)
        if self.waited >= self.patience:
            pl_module.schedule.finish()
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.waited = state_dict["best"], state_dict["waited"]


def make_logger(folder: RunFolder, config: TrainingConfig) -> Logger | bool:
    """TensorBoard's logger, or False if it is not installed.

    It logs the figures of ``metrics.csv``, the learning rate of every step, the recall of each class, and the
    configuration.
    """
    if importlib.util.find_spec("tensorboard") is None:
        return False
    logger = TensorBoardLogger(folder.tensorboard.parent, name=folder.tensorboard.name, version="")
    logger.log_hyperparams(config.to_dict())
    return logger


def read_epochs(path: Path) -> list[dict[str, str]]:
    """The rows that ``EpochLog`` wrote; empty before the first epoch has ended."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class RunProgress(lightning.Callback):
    """One progress bar for the whole run, with the remaining time, and one line after each epoch."""

    def __init__(self) -> None:
        self.bar: tqdm[Any] | None = None
        self.loss, self.seen = math.nan, 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        assert isinstance(pl_module, LesionModule)
        schedule = pl_module.schedule
        total = sum(stage.epochs for stage in schedule.stages) * schedule.steps_per_epoch
        interval = 0.5 if sys.stderr.isatty() else 30.0
        self.bar = tqdm(total=total, initial=schedule.steps, desc="Training", unit="batch", mininterval=interval)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, *_: Any
    ) -> None:
        if self.bar is None or not isinstance(pl_module, LesionModule):
            return
        self.seen += 1
        if self.seen % CHECK_EVERY == 1 or pl_module.device.type == "cpu":  # on a GPU this would synchronise
            self.loss = float(outputs["loss"] if isinstance(outputs, dict) else outputs)
        rate = max(group["lr"] for group in trainer.optimizers[0].param_groups)
        self._tell(trainer, f"{pl_module.schedule.size} px, loss {self.loss:.3f}, rate {rate:.1e}")
        self.bar.update()

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._tell(trainer, "validating", refresh=True)

    def _tell(self, trainer: lightning.Trainer, what: str, *, refresh: bool = False) -> None:
        if self.bar is not None:
            self.bar.set_postfix_str(f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}, {what}", refresh)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        seen = {name: float(trainer.callback_metrics[name]) for name in COLUMNS if name in trainer.callback_metrics}
        figures = ", ".join(f"{name} {value:.4f}" for name, value in seen.items())
        tqdm.write(f"epoch {trainer.current_epoch + 1}: {figures}", file=sys.stderr)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._close()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.close()
