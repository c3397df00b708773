"""The project's training loop, timed for ``ml.bench.training``: one process, one line of JSON.

The loop is that of ``ml.training.run``: ``LesionModule`` under Lightning's trainer, batches from the cache, without
validation, checkpoints and tables.
"""

import argparse
import json
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import numpy as np
import torch
from lightning.pytorch.profilers import SimpleProfiler
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from ml.data.cache import PixelCache, open_cache
from ml.data.isic import Record, read_isic
from ml.errors import UserError
from ml.networks.backbone import create_backbone
from ml.training.augment_albumentations import make_alter
from ml.training.config import TrainingConfig, read_config
from ml.training.dataset import Batch, CachedBatches, OrderedBatches, WeightedBatches
from ml.training.losses import LabelLoss
from ml.training.module import LesionModule
from ml.training.precision import LIGHTNING_NAMES, speed_up_depthwise
from ml.training.schedule import Schedule
from ml.training.selection import count_classes, select_records, weigh_classes

PROCESS_STATUS = Path("/proc/self/status")
SAMPLING_SECONDS = 0.1


class Moment(NamedTuple):
    """Wall-clock and CPU seconds of this process."""

    clock: float
    processor: float

    @property
    def of_parts(self) -> float:
        return self.clock if torch.cuda.is_available() else self.processor


class TimedModule(LesionModule):
    """Records when each step ended, when its forward pass began, and when its loss was known.

    The time before the forward pass is input: reading, augmenting, mixing, normalising.
    """

    def on_train_start(self) -> None:
        self.ends: list[Moment] = []
        self.forwards: list[Moment] = []
        self.losses: list[Moment] = []
        self.model.register_forward_pre_hook(lambda *_: self.forwards.append(tell_time()))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = super().training_step(batch, batch_idx)
        self.losses.append(tell_time())
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        super().on_train_batch_end(outputs, batch, batch_idx)
        self.ends.append(tell_time())


class PartProfiler(SimpleProfiler):
    """Lightning's profiler by CPU time on a CPU, and by synchronised wall-clock time on a GPU."""

    def start(self, action_name: str) -> None:
        self.current_actions[action_name] = tell_time().of_parts

    def stop(self, action_name: str) -> None:
        self.recorded_durations[action_name].append(tell_time().of_parts - self.current_actions.pop(action_name))


@dataclass
class MemorySampler:
    """Peaks of this process's memory (bytes): its own, and mapped files, which are shared page cache."""

    own: int = 0
    files: int = 0
    both: int = 0

    def watch(self) -> None:
        """Sample until the process ends."""
        threading.Thread(target=self._sample_for_ever, daemon=True).start()

    def _sample_for_ever(self) -> None:
        while True:
            status = dict(line.split(":", 1) for line in PROCESS_STATUS.read_text().splitlines())
            own, files = (int(status[name].split()[0]) * 1024 for name in ("RssAnon", "RssFile"))
            self.own, self.files = max(self.own, own), max(self.files, files)
            self.both = max(self.both, own + files)
            time.sleep(SAMPLING_SECONDS)


def tell_time() -> Moment:
    """The current moment, after the device has finished its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return Moment(time.perf_counter(), time.process_time())


def time_loop(
    config: TrainingConfig, cache: PixelCache, batches: Sampler[list[int]], profiler: Any = None
) -> TimedModule:
    """Run the loop over ``batches`` of ``cache``, at the size of the configuration's first stage."""
    torch.manual_seed(config.seed)
    model = create_backbone(config.architecture, dropout=config.dropout, drop_path=config.drop_path)
    if config.precision == "bf16" and not torch.cuda.is_available():
        speed_up_depthwise(model)
    altered = config.augmentation.kind == "albumentations"
    train_set = CachedBatches(cache, alter=make_alter(config.augmentation) if altered else None)
    steps = len(batches)  # type: ignore[arg-type] # ours have a length
    schedule = Schedule(config.stages, steps_per_epoch=steps, warmup_epochs=0, final_fraction=1)
    train_set.size.fill_(schedule.size)
    prior = weigh_classes(cache.labels, power=config.sampling_power)[1]
    module = TimedModule(model, config, schedule, LabelLoss(config.loss, count_classes(cache.labels), prior), train_set)
    precision: Any = LIGHTNING_NAMES[config.precision]
    trainer = lightning.Trainer(
        max_epochs=1,
        precision=precision,
        gradient_clip_val=config.clip,
        profiler=profiler,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    workers = config.augmentation.workers if altered else 0
    trainer.fit(module, DataLoader(train_set, sampler=batches, batch_size=None, num_workers=workers))
    return module


def describe_steps(
    ends: Sequence[Moment], forwards: Sequence[Moment], losses: Sequence[Moment], *, warm_up: int, batch_size: int
) -> dict[str, float]:
    """Milliseconds per image after ``warm_up`` steps.

    Wall-clock time of the whole step and its input, its CPU time, and the step, its input and its forward pass by
    ``PartProfiler``.
    """
    before, after = ends[warm_up - 1 : -1], ends[warm_up:]
    forwards, losses = forwards[warm_up:], losses[warm_up:]

    def mean(starts: Sequence[Moment], stops: Sequence[Moment], read: Callable[[Moment], float]) -> float:
        gaps = [read(stop) - read(start) for start, stop in zip(starts, stops, strict=True)]
        return 1000 / batch_size * sum(gaps) / len(gaps)

    return {
        "step": mean(before, after, lambda moment: moment.clock),
        "input": mean(before, forwards, lambda moment: moment.clock),
        "processor": mean(before, after, lambda moment: moment.processor),
        "parts: step": mean(before, after, lambda moment: moment.of_parts),
        "parts: input": mean(before, forwards, lambda moment: moment.of_parts),
        "parts: forward": mean(forwards, losses, lambda moment: moment.of_parts),
    }


def split_step(
    durations: dict[str, list[float]], whole: dict[str, float], *, warm_up: int, batch_size: int
) -> dict[str, float]:
    """Milliseconds per image of each part of a step, from Lightning's profiler and the ``whole`` step."""

    def mean(ending: str) -> float:
        rows = [times[warm_up:] for name, times in durations.items() if name.endswith(ending)]
        assert rows, f"Lightning's profiler recorded no {ending}"
        return 1000 / batch_size * sum(float(np.mean(times)) for times in rows)

    reading, training = mean("train_dataloader_next"), mean("Strategy.training_step")
    backward, stepping = mean("Strategy.backward"), mean("Module.optimizer_step")
    parts = {
        "reading from the cache": reading,
        "altering, mixing, normalising": whole["parts: input"] - reading,
        "forward and loss": whole["parts: forward"],
        "backward": backward,
        "clipping and update": stepping - training - backward,
        "moving average": mean("Module.on_train_batch_end"),
    }
    return {**parts, "everything else": whole["parts: step"] - sum(parts.values())}


def spread_records(records: Sequence[Record], count: int) -> list[Record]:
    """``count`` records, evenly spaced; they repeat if there are fewer."""
    return [records[place] for place in np.linspace(0, len(records) - 1, count).round().astype(int)]


def main(arguments: list[str] | None = None) -> int:
    """Time the loop and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory in the official ISIC 2018 Task 3 layout")
    parser.add_argument("--config", type=Path, required=True, help="YAML file; its first stage is run")
    parser.add_argument("--cache", type=Path, required=True, help="directory of decoded pixels")
    parser.add_argument("--images", type=int, required=True, help="how many images the cache holds")
    parser.add_argument("--warm-up", type=int, default=5, help="steps that are not counted (5)")
    parser.add_argument("--mode", choices=("steps", "parts", "memory"), default="steps", help="what to measure")
    options = parser.parse_args(arguments)
    warnings.filterwarnings("ignore", module="lightning")
    try:
        print(json.dumps(measure_loop(options)))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def measure_loop(options: argparse.Namespace) -> dict[str, float]:
    """Run the measurement of ``--mode``."""
    config = read_config(options.config)
    records = spread_records(select_records(read_isic(options.data).records, config), options.images)
    started = tell_time()
    cache = open_cache(records, options.cache, short_side=config.cache_side, progress=False)
    decoding = 1000 * (tell_time().of_parts - started.of_parts) / len(records)
    everything = np.arange(len(records))
    if options.mode == "memory":
        memory = MemorySampler()
        memory.watch()
        order = np.random.default_rng(config.seed).permutation(everything)
        order = np.resize(order, len(order) + len(order) % 2)  # MixUp joins images in pairs
        time_loop(config, cache, OrderedBatches(order, batch_size=config.batch_size))
        return {"own": memory.own, "files": memory.files, "both": memory.both}
    weights, _ = weigh_classes(cache.labels, power=config.sampling_power)
    batches = WeightedBatches(everything, weights, batch_size=config.batch_size, seed=config.seed)
    profiler = PartProfiler() if options.mode == "parts" else None
    module = time_loop(config, cache, batches, profiler)
    counted = {"warm_up": options.warm_up, "batch_size": config.batch_size}
    whole = describe_steps(module.ends, module.forwards, module.losses, **counted)
    if profiler is None:
        return whole
    return {"decoding": decoding, **split_step(profiler.recorded_durations, whole, **counted)}


if __name__ == "__main__":
    sys.exit(main())
