"""The run folder: names of the files of a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run's directory; ``cache``, beside it, holds decoded pixels for all runs."""

    path: Path

    @property
    def cache(self) -> Path:
        return self.path.parent / "cache"

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def description(self) -> Path:
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def readings(self) -> Path:
        return self.path / "readings.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def last_checkpoint(self) -> Path:
        return self.checkpoints / "last.ckpt"

    @property
    def best_checkpoint(self) -> Path:
        return self.checkpoints / "best.ckpt"

    def checkpoint(self, which: Literal["best", "last"]) -> Path:
        """Path of the checkpoint that a configuration names, ``best`` or ``last``."""
        return self.best_checkpoint if which == "best" else self.last_checkpoint

    @property
    def bundle(self) -> Path:
        return self.path / "bundle"

    @property
    def weights(self) -> Path:
        return self.path / "weights.safetensors"

    @property
    def predictions(self) -> Path:
        return self.path / "predictions.csv"

    @property
    def summary(self) -> Path:
        return self.path / "summary.json"

    @property
    def curves(self) -> Path:
        return self.path / "curves.svg"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"
