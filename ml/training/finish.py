"""From a run's best checkpoint to a calibrated, measured bundle."""

import json
import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from tqdm import tqdm

from ml.build import Origin, build_bundle
from ml.bundle import Bundle, Prior
from ml.data.isic import read_isic
from ml.errors import UserError
from ml.models.backbone import create_backbone, to_channels_last
from ml.preprocess import InputSpec, ViewSpec
from ml.ship import ATTRIBUTION
from ml.taxonomy import CLASSES
from ml.training.config import ReadingPlan, TrainingConfig, read_config
from ml.training.dataset import MAX_ASPECT, PixelCache, open_cache, select_records, split_positions
from ml.training.folder import RunFolder
from ml.training.module import view_cached

AVERAGE_PREFIX = "average.module."
LICENCE = "CC BY-NC 4.0"


def export_checkpoint(checkpoint: Path, out: Path, *, data: Path | None = None, progress: bool = True) -> Bundle:
    """Choose how to read on the run's choosing fold, calibrate there, export and measure that fold.

    ``checkpoint`` lies in its run folder, which tells the configuration and, unless ``data`` is given, the data
    directory. Raises ``UserError`` where it does not.
    """
    folder = RunFolder(checkpoint.resolve().parent.parent)
    if not folder.config.is_file() or not folder.description.is_file():
        raise UserError(f"{checkpoint}: is not in a run folder; give runs/NAME/checkpoints/best.ckpt")
    config = read_config(folder.config)
    description = json.loads(folder.description.read_text(encoding="utf-8"))
    data = data or Path(description["data_directory"])
    model, prior = load_average(checkpoint, config)
    records = select_records(read_isic(data).records, config)
    cache = open_cache(records, folder.cache, short_side=config.cache_side, progress=progress)
    positions = split_positions(records, config)[1]
    scores = {
        str(plan): score_reading(model, plan, cache, positions, prior, progress=progress) for plan in config.readings
    }
    plan = max(config.readings, key=lambda each: scores[str(each)])
    folder.readings.write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    origin = describe_origin(folder, config, plan, prior, description)
    return build_bundle(model, out, origin, data, calibration_fold=config.choose_fold, progress=progress)


def load_average(checkpoint: Path, config: TrainingConfig) -> tuple[nn.Module, Tensor]:
    """The moving average of a checkpoint as a network in evaluation mode, and the prior (7,) of its training."""
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    except (OSError, KeyError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:100]
        raise UserError(f"{checkpoint}: cannot be read as a checkpoint ({reason}); give one of ml.training") from error
    model = create_backbone(config.architecture)
    own = {name.removeprefix(AVERAGE_PREFIX): value for name, value in state.items() if name.startswith(AVERAGE_PREFIX)}
    try:
        model.load_state_dict(own)
    except RuntimeError as error:
        raise UserError(f"{checkpoint}: does not fit {config.architecture}; its run folder has been changed") from error
    return to_channels_last(model).eval(), state["prior"]


def score_reading(
    model: nn.Module,
    plan: ReadingPlan,
    cache: PixelCache,
    positions: npt.NDArray[np.int64],
    prior: Tensor,
    *,
    progress: bool = True,
) -> float:
    """Balanced accuracy of one way to read, softmax averaged over its views, on cached pixels."""
    normalisation = model.pretrained_cfg
    mean, std = (torch.tensor(normalisation[name])[:, None, None] for name in ("mean", "std"))  # type: ignore[index]
    hits = np.zeros(len(CLASSES))
    batches = np.array_split(positions, max(1, len(positions) // 32))
    for batch in tqdm(batches, f"Reading at {plan.size} px", disable=not progress):
        pixels, widths = torch.from_numpy(cache.pixels[batch]), torch.from_numpy(cache.widths[batch])
        with torch.inference_mode():
            views = [view_cached(pixels, widths, fraction, plan.size) for fraction in plan.fractions]
            mean_softmax = torch.stack([model((view - mean) / std).softmax(dim=1) for view in views]).mean(dim=0)
        decided = (mean_softmax / prior).argmax(dim=1).numpy()
        hits += np.bincount(cache.labels[batch][decided == cache.labels[batch]], minlength=len(CLASSES))
    return float(np.mean(hits / np.bincount(cache.labels[positions], minlength=len(CLASSES))))


def describe_origin(
    folder: RunFolder, config: TrainingConfig, plan: ReadingPlan, prior: Tensor, description: dict[str, object]
) -> Origin:
    """What the manifest says of the network and how to read it."""
    normalisation = create_backbone(config.architecture).pretrained_cfg
    weights = description["weights"]
    start = f"the weights {weights['name']}" if isinstance(weights, dict) else "random weights"
    sizes = " then ".join(str(stage.size) for stage in config.stages)
    return Origin(
        name=f"{config.architecture}-{folder.path.name}",
        version=str(description["git_revision"])[:12],
        architecture=config.architecture,
        input=InputSpec(
            size=plan.size,
            views=tuple(ViewSpec(f"central {100 * part:.0f} %", part) for part in plan.fractions),
            max_aspect_ratio=MAX_ASPECT,
            interpolation="bicubic",
            mean=tuple(normalisation["mean"]),  # type: ignore[index]  # timm adds it
            std=tuple(normalisation["std"]),  # type: ignore[index]
            layout="NHWC",
        ),
        training_prior=Prior(
            tuple(round(float(value), 6) for value in prior), "class frequencies that the training's sampling made"
        ),
        training=f"Trained from {start} on folds {', '.join(config.train_folds)} of ISIC 2018 Task 3 at {sizes} px; "
        f"checkpoint, reading and calibration chosen on fold {config.choose_fold}.",
        licence=LICENCE,
        attribution=ATTRIBUTION,
    )
