"""From a run's best checkpoint to a calibrated, measured bundle."""

import json
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from ml.attribution import ATTRIBUTION, LICENCE
from ml.build import Origin, build_bundle
from ml.bundle import Bundle, Prior
from ml.data.cache import MAX_ASPECT, open_cache
from ml.data.isic import read_isic
from ml.draft import build_beside
from ml.errors import UserError
from ml.models.backbone import create_backbone
from ml.preprocess import InputSpec, ViewSpec
from ml.training.checkpoint import check_servable, load_average
from ml.training.config import ReadingPlan, TrainingConfig, read_config
from ml.training.folder import RunFolder
from ml.training.predict import Trained, choose_reading
from ml.training.selection import select_records, split_positions


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
    trained = Trained(*load_average(checkpoint, config), config)
    check_servable(trained.model, config)
    plan = read_or_choose_reading(folder, trained, data, progress=progress)
    origin = describe_origin(folder, config, plan, trained.prior, description)
    with build_beside(out) as draft:
        bundle = build_bundle(
            trained.model, draft, origin, data, calibration_fold=config.choose_fold, progress=progress
        )
    return replace(bundle, path=out)


def read_or_choose_reading(folder: RunFolder, trained: Trained, data: Path, *, progress: bool) -> ReadingPlan:
    """The way to read that a run has chosen; where it was cut off before, chosen now."""
    config = trained.config
    if folder.readings.is_file():
        scores = json.loads(folder.readings.read_text(encoding="utf-8"))
        return max(config.readings, key=lambda each: float(scores[str(each)]))
    records = select_records(read_isic(data).records, config)
    cache = open_cache(records, folder.cache, short_side=config.cache_side, progress=progress)
    return choose_reading(folder, trained, records, cache, split_positions(records, config)[1], progress=progress)[0]


def describe_origin(
    folder: RunFolder, config: TrainingConfig, plan: ReadingPlan, prior: Tensor, description: dict[str, object]
) -> Origin:
    """What the manifest says of the network and how to read it."""
    normalisation = create_backbone(config.architecture, options=config.architecture_options).pretrained_cfg
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
