"""timm's own training script on the same work as our loop, and its speed.

In a process of its own, with the script and its options as arguments, it runs the script unchanged; only the log lines
are extended by the CPU time of the process.
"""

import logging
import re
import runpy
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import timm

from ml.data.isic import Record
from ml.errors import UserError
from ml.networks.backbone import create_backbone
from ml.taxonomy import CLASSES
from ml.training.config import TrainingConfig

ADDRESS = "https://raw.githubusercontent.com/huggingface/pytorch-image-models/v{version}/train.py"
"""The script is in timm's repository, not in its package."""
LINE = re.compile(r"Train: \d+ .* ([\d.]+)/s  \(.*Data: ([\d.]+) \(.*processor ([\d.]+) s")
MARKS = ("ImageNet Training Script", "def train_one_epoch(", "--train-split", "from timm")


@dataclass(frozen=True, slots=True)
class Way:
    """A configuration of a loop: precision, loader workers, and whether the network is compiled."""

    precision: str
    workers: int
    compiled: bool = False

    def __str__(self) -> str:
        return f"{self.precision}, {self.workers} workers{', compiled' if self.compiled else ''}"


def check_script(path: Path) -> None:
    """Raise ``UserError`` unless the file is timm's training script."""
    address = ADDRESS.format(version=timm.__version__)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read; get timm {timm.__version__}'s script from {address}") from error
    if not all(mark in text for mark in MARKS):
        raise UserError(f"{path}: is not timm's train.py; get timm {timm.__version__}'s from {address}")


def link_images(records: Sequence[Record], directory: Path) -> Path:
    """Links to the images in a folder for each class, the layout of timm's script."""
    for code in CLASSES:
        (directory / "train" / code).mkdir(parents=True)
    for place, record in enumerate(records):
        link = directory / "train" / CLASSES[record.label] / f"{place:05}{record.path.suffix}"
        link.symlink_to(record.path.resolve())
    return directory


def list_command(script: Path, config: TrainingConfig, way: Way, *, images: Path, out: Path, device: str) -> list[str]:
    """Command of timm's script for the configuration.

    The same network, size, batch, optimizer, clipping, moving average, dropout and mixing, and the most similar
    augmentation.
    """
    alter = config.augmentation
    size = config.stages[0].size
    normalisation = create_backbone(config.architecture).pretrained_cfg
    options: dict[str, object] = {
        "data-dir": images,
        "val-split": "",
        "model": config.architecture,
        "num-classes": len(CLASSES),
        "input-size": (3, size, size),
        "mean": normalisation["mean"],  # type: ignore[index] # timm adds it
        "std": normalisation["std"],  # type: ignore[index]
        "batch-size": config.batch_size,
        "opt": "adamw",
        "lr": config.learning_rate,
        "weight-decay": config.weight_decay,
        "clip-grad": config.clip,
        "epochs": 1,
        "warmup-epochs": 0,
        "drop": config.dropout,
        "drop-path": config.drop_path,
        "model-ema-decay": config.ema_decay,
        "scale": (alter.min_crop_area, 1),
        "ratio": (1, round(alter.max_crop_aspect, 4)),
        "hflip": 0.5,
        "vflip": 0.5,
        "color-jitter": alter.brightness,
        "train-interpolation": "bilinear",
        "mixup": alter.mixup_alpha,
        "cutmix": alter.cutmix_alpha,
        "mixup-prob": alter.mix_probability,
        "smoothing": 0,
        "workers": way.workers,
        "device": device,
        "log-interval": 1,
        "checkpoint-hist": 1,
        "output": out,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", *_list_words(value))]
    flags = ["--model-ema", "--model-ema-warmup", "--channels-last"]
    if way.precision == "bf16":
        flags += ["--amp", "--amp-dtype", "bfloat16"]
    if way.compiled:
        flags.append("--torchcompile")
    if device == "cuda":
        flags.append("--pin-mem")
    return [sys.executable, "-m", "ml.bench.timm_script", str(script), *words, *flags]


def read_speed(output: str, *, warm_up: int, batch_size: int) -> dict[str, float]:
    """Milliseconds per image after ``warm_up`` steps: of the whole step, of its input, and of CPU time."""
    steps = [tuple(map(float, found)) for found in LINE.findall(output)]
    counted = steps[warm_up:]
    if not counted:
        last = (output.strip().splitlines() or ["nothing"])[-1]
        raise UserError(f"timm's train.py printed no speed; its last line: {last}")
    processor = counted[-1][2] - steps[warm_up - 1][2]
    return {
        "step": sum(1000 / speed for speed, _, _ in counted) / len(counted),
        "input": sum(1000 * data / batch_size for _, data, _ in counted) / len(counted),
        "processor": 1000 * processor / len(counted) / batch_size,
    }


def run_script(arguments: Sequence[str]) -> None:
    """Run the script given by the first argument with the others, and add CPU times to its log."""
    make_record = logging.getLogRecordFactory()

    def stamp(*args: object, **named: object) -> logging.LogRecord:
        record = make_record(*args, **named)
        record.msg = f"{record.msg}  processor {time.process_time():.4f} s"
        return record

    logging.setLogRecordFactory(stamp)
    sys.argv = list(arguments)
    runpy.run_path(arguments[0], run_name="__main__")


def _list_words(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, tuple | list) else [str(value)]


if __name__ == "__main__":
    run_script(sys.argv[1:])
