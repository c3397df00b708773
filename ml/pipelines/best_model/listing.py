"""The stages as a table: input, output and time of each."""

from collections.abc import Sequence

from ml.pipelines.best_model.estimate import estimate_minutes
from ml.pipelines.best_model.plan import BestModelStage
from ml.pipelines.best_model.run import make_config
from ml.pipelines.best_model.workspace import BestModelWorkspace
from ml.training.config import read_config

LEAVES = {
    "data": "data/, cache/",
    "train": "weights.safetensors, predictions.csv",
    "average": "weights.safetensors",
    "finish": "bundle/",
}


def describe_stages(stages: Sequence[BestModelStage], place: BestModelWorkspace) -> str:
    """One line for each stage, and the total of the estimates; teachers are counted, not named."""
    width = max(len(stage.name) for stage in stages)
    lines, total = [], 0.0
    for stage in stages:
        minutes = estimate(stage, place)
        total += minutes
        own = [name for name in stage.needs if name not in stage.teachers]
        needs = ", ".join([*own, *([f"{len(stage.teachers)} teachers"] if stage.teachers else [])]) or "--data"
        taken = f"{minutes:4.1f} min" if stage.kind == "train" else "  no GPU"
        done = "done" if place.is_finished(stage) else "    "
        lines.append(f"{stage.name:{width}}  {done}  {taken}  needs {needs}; leaves {LEAVES[stage.kind]}")
    trained = sum(stage.kind == "train" for stage in stages)
    lines.append(f"{len(stages)} stages, {trained} of them on a GPU, about {total:.0f} minutes of one H100 by estimate")
    return "\n".join(lines)


def estimate(stage: BestModelStage, place: BestModelWorkspace) -> float:
    """Minutes on a GPU; 0 if none is needed."""
    if stage.kind != "train":
        return 0.0
    families = place.plan.teachers if stage.teachers else ()
    config = make_config(stage, place)
    known = [teacher.architecture for teacher in config.distillation.teachers if teacher.architecture]
    teachers = [*known, *(read_config(place.configs / step.config).architecture for step in families)]
    return estimate_minutes(place.plan, config, teachers)
