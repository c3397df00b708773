"""What each stage does; a stopped one resumes after its last complete epoch."""

import gc
import json
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from ml.bundle.hashing import hash_file
from ml.data.cache import open_cache
from ml.data.isic import read_isic
from ml.data.split import hash_data
from ml.errors import UserError
from ml.pipelines.best_model.data import lay_out, select_training_data
from ml.pipelines.best_model.plan import BestModelStage, list_stages
from ml.pipelines.best_model.workspace import BestModelWorkspace
from ml.pipelines.stages import Stage, Work
from ml.support.disk import read_json, write_whole
from ml.support.strict import build, load_yaml
from ml.training.config import TrainingConfig, read_config
from ml.training.folder import RunFolder
from ml.training.run import run_training
from ml.training.selection import select_records

STAGE_MINUTES = 8
"""Longest time of any stage on a GPU, enforced by the configurations' own limits."""


def check_weights(stages: Sequence[BestModelStage], place: BestModelWorkspace) -> None:
    """Raise ``UserError`` for a missing file of weights, before any time is spent."""
    for stage in stages:
        if stage.step is not None and stage.step.weights is not None and not place.is_finished(stage):
            find_weights(stage, place)


def make_stages(planned: Sequence[BestModelStage], place: BestModelWorkspace) -> list[Stage]:
    """The planned stages for the runner, in order."""
    made: dict[str, Stage] = {}
    for each in list_stages(place.plan):
        made[each.name] = Stage(
            each.name,
            is_finished=partial(place.is_finished, each),
            run=partial(_run_stage, each, place),
            skip=partial(_check_unchanged, each, place),
            needs=tuple(made[name] for name in each.needs),
            minutes=STAGE_MINUTES,
        )
    return [made[each.name] for each in planned]


def _run_stage(stage: BestModelStage, place: BestModelWorkspace) -> Work:
    yield stage.name  # shown while it works
    match stage.kind:
        case "data":
            prepare_data(stage, place)
        case "train":
            train(stage, place)
        case "average":
            average(stage, place)
        case "finish":
            from ml.pipelines.best_model.finish import finish

            finish(stage, place)


def prepare_data(stage: BestModelStage, place: BestModelWorkspace) -> None:
    """Lay out the training images, and decode them once for each set of folds that some stage reads."""
    found = select_training_data(place.data, place.plan.all_folds, images=place.plan.images)
    lay_out(found, place.training_data)
    records = read_isic(place.training_data).records
    made: dict[tuple[frozenset[str], int], Any] = {}
    for each in list_stages(place.plan):
        if each.kind == "train":
            config = write_config(each, place)
            made.setdefault((frozenset((*config.train_folds, config.choose_fold)), config.cache_side), config)
    for config in made.values():
        chosen = select_records(records, config)
        open_cache(chosen, place.folder(stage.name).cache, short_side=config.cache_side, progress=place.progress)
    _write_summary(
        place.folder(stage.name),
        {
            "images": len(records),
            "wanted": place.plan.images,
            "folds": list(place.plan.all_folds),
            "data_sha256": hash_data(read_isic(place.data).records),
        },
    )


def train(stage: BestModelStage, place: BestModelWorkspace) -> None:
    """Run one training as ``python -m ml train`` does, without export; its checkpoints are deleted at the end."""
    assert stage.step is not None
    write_config(stage, place)
    folder = place.folder(stage.name)
    is_started = folder.last_checkpoint.is_file()
    weights = None
    if stage.step.start is not None:
        weights = place.folder(stage.needs[1]).weights
    elif stage.step.weights is not None:
        weights = find_weights(stage, place)
    run_training(
        data=place.training_data,
        config_path=_config_path(stage, place),
        weights=weights,
        out=folder.path,
        resume=is_started,
        progress=place.progress,
    )
    gc.collect()  # network and pixels are in reference cycles and would fill the GPU stage after stage
    shutil.rmtree(folder.checkpoints)
    shutil.rmtree(folder.tensorboard, ignore_errors=True)


def average(stage: BestModelStage, place: BestModelWorkspace) -> None:
    """Average the weights of several networks fine-tuned from one start (Wortsman et al., ICML 2022)."""
    folder = place.folder(stage.name)
    parts = [place.folder(name).weights for name in stage.needs]
    states = [load_file(part) for part in parts]
    with safe_open(parts[0], "pt") as file:
        told = file.metadata()
    mean = {
        name: torch.stack([state[name].float() for state in states]).mean(dim=0).to(value.dtype)
        for name, value in states[0].items()
    }
    folder.path.mkdir(parents=True, exist_ok=True)
    save_file(mean, folder.weights, told)
    _write_summary(folder, {"sha256": hash_file(folder.weights), "parts": {p.parent.name: hash_file(p) for p in parts}})


def write_config(stage: BestModelStage, place: BestModelWorkspace) -> TrainingConfig:
    """Write the complete configuration of a training where ``python -m ml train`` can read it too."""
    path = _config_path(stage, place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(_merge(stage, place), sort_keys=False), encoding="utf-8")
    return read_config(path)


def make_config(stage: BestModelStage, place: BestModelWorkspace) -> TrainingConfig:
    """Complete configuration of a training, not written."""
    config: TrainingConfig = build(TrainingConfig, _merge(stage, place))
    return config


def _merge(stage: BestModelStage, place: BestModelWorkspace) -> dict[str, Any]:
    assert stage.step is not None
    source = place.configs / stage.step.config
    content: dict[str, Any] = load_yaml(dict[str, Any], source)
    plan = place.plan
    # A held-out fold is watched; without one, a training fold, which then chooses nothing.
    folds = {
        "train_folds": [fold for fold in plan.folds if fold not in stage.held_out],
        "choose_fold": plan.judged_on or (*stage.held_out, plan.folds[-1])[0],
    }
    content = {**content, **plan.set, **stage.step.set, **folds, "checkpoint": "last"}
    if stage.teachers:
        distillation = content.get("distillation", {})
        known = [{**each, "weights": str(place.weights / each["weights"])} for each in distillation.get("teachers", ())]
        trained = [{"weights": str(place.folder(name).weights)} for name in stage.teachers]
        content["distillation"] = {**distillation, "teachers": [*known, *trained], "out_of_fold": plan.out_of_fold}
    return content


def find_weights(stage: BestModelStage, place: BestModelWorkspace) -> Path:
    """The file of initial weights of a stage."""
    assert stage.step is not None
    assert stage.step.weights is not None
    path = place.weights / stage.step.weights
    if not path.is_file():
        raise UserError(f"{path}: is missing, and {stage.name} starts from it; add it")
    return path


def _check_unchanged(stage: BestModelStage, place: BestModelWorkspace) -> None:
    if stage.kind == "data":
        summary = place.folder(stage.name).summary
        prepared = read_json(summary)
        if (prepared.get("wanted"), prepared.get("folds")) != (place.plan.images, list(place.plan.all_folds)):
            raise UserError(f"{summary}: is of other images than the plan; move the folder away, or give another --out")
        if prepared.get("data_sha256") not in (None, hash_data(read_isic(place.data).records)):
            raise UserError(f"{summary}: is of other images or labels than --data; give another --out")
    if stage.kind == "train" and write_config(stage, place) != read_config(place.folder(stage.name).config):
        raise UserError(
            f"{place.folder(stage.name).config}: differs from the plan; move the folder away, or give another --out"
        )


def _config_path(stage: BestModelStage, place: BestModelWorkspace) -> Path:
    return place.out / "configs" / f"{stage.name}.yaml"


def _write_summary(folder: RunFolder, content: dict[str, Any]) -> None:
    write_whole(folder.summary, json.dumps(content, indent=2) + "\n")
