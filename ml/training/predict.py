"""Results of a finished run for comparison: weights, predictions, curves and a summary."""

import csv
import importlib.util
import io
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from ml.bundle.hashing import hash_tensors
from ml.data.cache import PixelCache, open_cache
from ml.data.isic import Record
from ml.data.metadata import encode_metadata
from ml.errors import UserError
from ml.metrics.classification import balanced_accuracy
from ml.networks.backbone import create_backbone, to_channels_last
from ml.support.disk import read_json, write_whole
from ml.taxonomy import CLASSES
from ml.training.augment_tensor import view_cached
from ml.training.callbacks import read_epochs
from ml.training.checkpoint import fuse_metadata, load_average
from ml.training.config import InferencePlan, TrainingConfig, read_config
from ml.training.folder import RunFolder
from ml.training.selection import split_positions

BATCH = 32
TIMED = 15

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """A run's network in evaluation mode, with the prior (7,) of its softmax."""

    model: nn.Module
    prior: Tensor
    config: TrainingConfig

    def predict(
        self,
        records: Sequence[Record],
        cache: PixelCache,
        positions: npt.NDArray[np.int64],
        plan: InferencePlan,
        bar: Any,
    ) -> FloatArray:
        """Mean softmax (N, 7) over the plan's test-time views of the cached images at ``positions``."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        model: Any = self.model.to(device)
        normalisation = model.pretrained_cfg
        mean, std = (torch.tensor(normalisation[name], device=device)[:, None, None] for name in ("mean", "std"))
        metadata = encode_metadata(records, self.config.metadata)
        batches = []
        for batch in np.array_split(positions, max(1, len(positions) // BATCH)):
            pixels = torch.from_numpy(cache.pixels[batch]).to(device)
            widths = torch.from_numpy(cache.widths[batch]).to(device)
            more = (torch.from_numpy(metadata[batch]).to(device),) if self.config.metadata else ()
            with torch.inference_mode():
                views = [(view_cached(pixels, widths, part, plan.size) - mean) / std for part in plan.fractions]
                batches.append(torch.stack([model(view, *more).softmax(dim=1) for view in views]).mean(dim=0).cpu())
            bar.update(len(batch))
        return torch.cat(batches).double().numpy()


def write_predictions(
    folder: RunFolder,
    config: TrainingConfig,
    records: Sequence[Record],
    cache: PixelCache,
    *,
    progress: bool = True,
) -> None:
    """Choose the inference plan on the choosing fold; write weights, scores of that fold, curves and summary.

    The test fold is not opened; that is the part of ``predict_test_fold``, whose caller logs it.
    """
    trained = TrainedNetwork(*load_average(folder.checkpoint(config.checkpoint), config), config)
    positions = split_positions(records, config)[1]
    plan, scores = choose_inference_plan(folder, trained, records, cache, positions, progress=progress)
    rows = [(records[position].image_id, config.choose_fold) for position in positions]
    _write_weights(folder, trained)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("image", "fold", *CLASSES))
    writer.writerows((*row, *(f"{value:.7g}" for value in values)) for row, values in zip(rows, scores, strict=True))
    write_whole(folder.predictions, text.getvalue())
    _draw_curves(folder)
    training_images = len(split_positions(records, config)[0])
    summary = _summarise(folder, trained, plan, training_images)
    write_whole(folder.summary, json.dumps(summary, indent=2) + "\n")


def predict_test_fold(path: Path, records: Sequence[Record], *, progress: bool = True) -> FloatArray:
    """Predictions (N, 7) of a finished run with its chosen inference plan.

    Only for ``ml.pipelines.study.measure``, which logs every access to the test fold.
    """
    folder = RunFolder(path)
    config = read_config(folder.config)
    summary = read_json(folder.summary)
    model = fuse_metadata(create_backbone(config.architecture, options=config.architecture_options), config)
    try:
        model.load_state_dict({name: value.float() for name, value in load_file(folder.weights).items()})
    except (OSError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{folder.weights}: does not fit its run; train the model again") from error
    trained = TrainedNetwork(to_channels_last(model).eval(), torch.tensor(summary["training_prior"]), config)
    plan = InferencePlan(summary["resolution"], tuple(summary["views"]))
    cache = open_cache(records, folder.cache, short_side=config.cache_side, progress=progress)
    with tqdm(total=len(records), desc="Reading the test fold", unit="image", disable=not progress) as bar:
        return trained.predict(records, cache, np.arange(len(records)), plan, bar)


def choose_inference_plan(
    folder: RunFolder,
    trained: TrainedNetwork,
    records: Sequence[Record],
    cache: PixelCache,
    positions: npt.NDArray[np.int64],
    *,
    progress: bool = True,
) -> tuple[InferencePlan, FloatArray]:
    """The configured inference plan with the highest balanced accuracy at ``positions``, and its scores (N, 7)."""
    plans = trained.config.readings
    labels = cache.labels[positions]
    total = len(plans) * len(positions)
    with tqdm(total=total, desc="Choosing an inference plan", unit="image", disable=not progress) as bar:
        scores = [trained.predict(records, cache, positions, plan, bar) for plan in plans]
    accuracies = [measure_balanced_accuracy(scores=s, prior=trained.prior.numpy(), labels=labels) for s in scores]
    accuracy_by_plan = {plan.key: accuracy for plan, accuracy in zip(plans, accuracies, strict=True)}
    write_whole(folder.readings, json.dumps(accuracy_by_plan, indent=2) + "\n")
    best = int(np.argmax(accuracies))
    return plans[best], scores[best]


def measure_balanced_accuracy(*, scores: FloatArray, prior: FloatArray, labels: npt.NDArray[np.int64]) -> float:
    """Balanced accuracy of scores (N, 7) after division by the training prior (7,)."""
    return balanced_accuracy(labels=labels, decided=(scores / prior).argmax(axis=1))


def _draw_curves(folder: RunFolder) -> None:
    """Draw the training curves if matplotlib is installed; ``metrics.csv`` holds the same figures."""
    if importlib.util.find_spec("matplotlib") is not None:
        from ml.training.curves import draw_curves

        draw_curves(folder.metrics, folder.curves)


def _write_weights(folder: RunFolder, trained: TrainedNetwork) -> None:
    state = {
        name: value.half() if value.is_floating_point() and value.ndim > 1 else value
        for name, value in trained.model.state_dict().items()
    }
    seen = read_json(folder.description).get("folds_seen", trained.config.train_folds)
    metadata = {
        "architecture": trained.config.architecture,
        "prior": " ".join(f"{value:.6f}" for value in trained.prior),
        "folds": " ".join(seen),
    }
    part = folder.weights.with_suffix(".part")
    try:
        save_file({name: value.contiguous() for name, value in state.items()}, part, metadata)
        part.replace(folder.weights)
    except (OSError, SafetensorError) as error:
        part.unlink(missing_ok=True)
        raise UserError(f"{folder.weights}: cannot be written ({error}); make room, then --resume") from error


def _summarise(folder: RunFolder, trained: TrainedNetwork, plan: InferencePlan, training_images: int) -> dict[str, Any]:
    config = trained.config
    epochs = read_epochs(folder.metrics)
    steps = max(1, (config.images_per_epoch or training_images) // config.batch_size)
    flops, milliseconds = measure_cost(trained, plan)
    return {
        "kind": "network",
        "name": folder.path.name,
        "architecture": config.architecture,
        "initialisation": read_json(folder.description)["initialisation"],
        "resolution": plan.size,
        "views": list(plan.fractions),
        "training_prior": [float(value) for value in trained.prior],
        "parameters": sum(parameter.numel() for parameter in trained.model.parameters()),
        "flops": flops,
        "milliseconds_per_image": milliseconds,
        "training_minutes": round(sum(float(row["minutes"]) for row in epochs), 2),
        "training_images": training_images,
        "images_seen": len(epochs) * steps * config.batch_size,
        "epochs": len(epochs),
        "sha256": hash_tensors(folder.weights),
        "config": config.to_dict(),
    }


def measure_cost(trained: TrainedNetwork, plan: InferencePlan) -> tuple[int, float]:
    """FLOPs (two for each multiply-add) and CPU milliseconds of one reading.

    All test-time views, in fp32 on one core.
    """
    views = torch.zeros(len(plan.fractions), 3, plan.size, plan.size).contiguous(memory_format=torch.channels_last)
    trained.model.to("cpu")
    width = encode_metadata([], trained.config.metadata).shape[1]
    arguments = (views, torch.zeros(len(views), width)) if width else (views,)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    taken = []
    with torch.inference_mode():
        with FlopCounterMode(display=False) as counter:
            trained.model(*arguments)
        for _ in range(TIMED):
            started = time.process_time()
            trained.model(*arguments)
            taken.append(1000 * (time.process_time() - started))
    torch.set_num_threads(threads)
    return counter.get_total_flops(), round(statistics.median(taken), 2)
