"""Report of a tuning study: ``tuning.json``, ``history.svg`` and ``importance.svg``, reproducible byte by byte."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib as mpl
import optuna
from matplotlib.figure import Figure
from optuna.trial import FrozenTrial, TrialState

from ml.data.split import SPLIT_SHA256
from ml.pipelines.tuning.search_space import SearchSpace
from ml.training.config import TrainingConfig

MIN_COMPLETE = 4
"""Fewest trials with a final value for which importance is computed."""
DIGITS = 5
HIGHLIGHT, PLAIN = "#1b6ca8", "0.6"


def write_report(trials: Sequence[FrozenTrial], base: TrainingConfig, space: SearchSpace, directory: Path) -> None:
    """Write the results of ended trials; trial 0 is the base configuration."""
    importance = measure_importance(trials, space)
    content = describe(trials, base, space) | {"importance": importance}
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "tuning.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    _save(draw_history(trials, space), directory / "history.svg")
    _save(draw_importance(importance, len(_complete(trials))), directory / "importance.svg")


def describe(trials: Sequence[FrozenTrial], base: TrainingConfig, space: SearchSpace) -> dict[str, Any]:
    """The study as plain values."""
    best = find_best(trials, space)
    return {
        "metric": space.metric,
        "direction": space.direction,
        "fold": base.choose_fold,
        "split_sha256": SPLIT_SHA256,
        "complete": len(_complete(trials)),
        "pruned": len(trials) - len(_complete(trials)),
        "best": None if best is None else list(trials).index(best),
        "keys": {key: asdict(dimension) for key, dimension in space.keys.items()},
        "base": base.to_dict(),
        "trials": [_describe_trial(number, trial) for number, trial in enumerate(trials)],
    }


def find_best(trials: Sequence[FrozenTrial], space: SearchSpace) -> FrozenTrial | None:
    """The trial with the best final value, or None."""
    sign = 1 if space.direction == "maximize" else -1
    return max(_complete(trials), key=lambda trial: sign * float(trial.value or 0), default=None)


def measure_importance(trials: Sequence[FrozenTrial], space: SearchSpace) -> dict[str, float]:
    """Importance of each key: the share of the final values' variance that it explains alone, largest first.

    fANOVA: Hutter, Hoos and Leyton-Brown, ICML 2014; empty with too few trials, or if all values are equal.
    """
    complete = _complete(trials)
    if len(complete) < MIN_COMPLETE or len({trial.value for trial in complete}) == 1:
        return {}
    study = optuna.create_study(direction=space.direction)
    study.add_trials(complete)
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {key: round(share, 3) for key, share in found.items()}


def draw_history(trials: Sequence[FrozenTrial], space: SearchSpace) -> Figure:
    """Left: value of each trial and the best so far. Right: learning curve of every trial."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    best = find_best(trials, space)
    choose = max if space.direction == "maximize" else min
    so_far: list[tuple[int, float]] = []
    for number, trial in enumerate(trials):
        steps = sorted(trial.intermediate_values.items())
        is_best = trial is best
        style = {"color": HIGHLIGHT, "zorder": 3} if is_best else {"color": PLAIN}
        right.plot(*zip(*steps, strict=True), marker="o", markersize=3, linewidth=2 if is_best else 0.9, **style)
        if trial.state == TrialState.COMPLETE:
            value = float(trial.value or 0)
            so_far.append((number, choose([value, *(seen for _, seen in so_far)])))
            left.plot(number, value, "o", color=HIGHLIGHT, label=None if len(so_far) > 1 else "trained to the end")
        else:
            first = all(other.state == TrialState.COMPLETE for other in trials[:number])
            left.plot(number, steps[-1][1], "x", color=PLAIN, label="pruned" if first else None)
    if so_far:
        left.step(*zip(*so_far, strict=True), where="post", color=HIGHLIGHT, linewidth=1, label="best so far")
    name = space.metric.replace("_", " ")
    left.set(xlabel="trial (0: the base configuration)", ylabel=f"{name}, choosing fold")
    right.set(xlabel="epoch", ylabel=f"{name}, choosing fold")
    right.xaxis.get_major_locator().set_params(integer=True)
    left.xaxis.get_major_locator().set_params(integer=True)
    left.legend(fontsize=8)
    for axes in (left, right):
        axes.grid(visible=True, alpha=0.3)
    return figure


def draw_importance(importance: dict[str, float], complete: int) -> Figure:
    """Bars, the most important key on top."""
    figure = Figure(figsize=(7, 0.6 + 0.35 * max(2, len(importance))), layout="constrained")
    axes = figure.subplots()
    if not importance:
        axes.set_axis_off()
        axes.text(0.5, 0.5, f"{complete} trials with a final value: too few", ha="center", va="center")
        return figure
    keys = list(importance)[::-1]
    axes.barh(keys, [importance[key] for key in keys], color=HIGHLIGHT)
    axes.set(xlabel=f"share of the variance of {complete} final values (fANOVA)", xlim=(0, 1))
    axes.grid(visible=True, axis="x", alpha=0.3)
    return figure


def _complete(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    return [trial for trial in trials if trial.state == TrialState.COMPLETE]


def _describe_trial(number: int, trial: FrozenTrial) -> dict[str, Any]:
    assert trial.datetime_start is not None
    assert trial.datetime_complete is not None
    return {
        "trial": number,
        "state": trial.state.name.lower(),
        "value": round(float(trial.value or 0), DIGITS) if trial.state == TrialState.COMPLETE else None,
        "epochs": {str(step): round(value, DIGITS) for step, value in sorted(trial.intermediate_values.items())},
        "minutes": round((trial.datetime_complete - trial.datetime_start).total_seconds() / 60, 2),
        "keys": {
            key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in trial.params.items()
        },
    }


def _save(figure: Figure, path: Path) -> None:
    with mpl.rc_context({"svg.hashsalt": "tuning", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
