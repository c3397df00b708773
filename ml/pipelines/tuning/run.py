"""A tuning study: trials of one configuration with other values for some keys, judged on the choosing fold only.

A study is a folder: ``study.sqlite3``, ``config.yaml`` (the base), ``space.yaml``, a run folder for every trial, and
the report of ``ml.pipelines.tuning.report``. A trial is an ordinary training run in a process of its own, which frees
its memory and can be stopped in the middle of an epoch.
"""

import argparse
import csv
import json
import math
import multiprocessing
import os
import shutil
import signal
import sqlite3
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import optuna
import yaml
from optuna.exceptions import OptunaError
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool
from tqdm import tqdm

from ml.bundle.hashing import hash_file
from ml.data.cache import open_cache
from ml.data.isic import read_isic
from ml.errors import UserError
from ml.pipelines.tuning.report import write_report
from ml.pipelines.tuning.search_space import SearchSpace, read_keys, read_space, replace_keys
from ml.support.disk import owning, read_json, write_whole
from ml.training.config import TrainingConfig, read_config
from ml.training.folder import RunFolder
from ml.training.losses import DivergedError
from ml.training.run import run_training
from ml.training.selection import select_records

NAME = "tuning"
RANDOM_TRIALS = 8
"""Number of random trials, the base configuration included.

The tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011) proposes the others.
"""
UNPRUNED_TRIALS = 5
POLL_SECONDS = 0.2
DIVERGED = 3
"""Exit code of a trial whose loss diverged: it is pruned, and the study continues."""


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """Names of the files of a study."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "study.sqlite3"

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def material(self) -> Path:
        """JSON file with hashes of the trials' data and initial weights."""
        return self.path / "material.json"

    @property
    def space(self) -> Path:
        return self.path / "space.yaml"

    def trial(self, number: int) -> RunFolder:
        return RunFolder(self.path / f"trial-{number:02}")

    def trial_config(self, number: int) -> Path:
        return self.path / f"trial-{number:02}.yaml"


@dataclass(frozen=True, slots=True)
class Tuning:
    """A running study: search space, configuration and directories."""

    base: TrainingConfig
    space: SearchSpace
    folder: StudyFolder
    study: optuna.Study
    data: Path
    weights: Path | None

    @property
    def epochs(self) -> int:
        """Epochs of a trial without pruning."""
        return sum(stage.epochs for stage in self.base.stages)


def tune(
    *,
    data: Path,
    config_path: Path,
    space_path: Path,
    out: Path,
    weights: Path | None = None,
    trials: int = 20,
    report: Path | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Path:
    """Run trials until ``trials`` have ended, write the report to ``report`` (default ``out``), and return ``out``.

    A trial's values follow from the seed, its number and the trials before it: a resumed study equals an uninterrupted
    one. Raises ``UserError`` for bad input, before the first trial, and if a study is resumed on other data or from
    other weights.
    """
    base = read_config(config_path)
    space = read_space(space_path, base)
    if trials < 1:
        raise UserError(f"--trials: is {trials}; must be at least 1")
    folder = StudyFolder(out)
    _check_folder(folder, base, space, resume=resume)
    # Decoded here, with a progress bar, before any trial, so that bad data leave no study behind.
    material = {"data_sha256": _decode(data, base, folder, progress=progress), "weights": _hash(weights)}
    with owning(folder.path, "study"):
        if resume:
            _check_material(folder, material)
        else:
            _begin(folder, base, space_path, material)
        study = _open_study(folder, base, space)
        try:
            _run_trials(Tuning(base, space, folder, study, data, weights), trials, progress=progress)
        except (SQLAlchemyError, OptunaError) as error:  # such as a full disk
            reason = " ".join(str(error).split())[:100]
            raise UserError(f"{folder.database}: cannot be written ({reason}); make room, then --resume") from error
    write_report(list_ended(study), base, space, report or out)
    return out


def _run_trials(tuning: Tuning, trials: int, *, progress: bool) -> None:
    done, epochs = len(list_ended(tuning.study)), tuning.epochs
    with tqdm(total=trials * epochs, initial=done * epochs, desc="Tuning", unit="epoch", disable=not progress) as bar:
        for number in range(done, trials):
            _run_trial(tuning, number, bar)
            bar.n = (number + 1) * epochs
            bar.refresh()
            if progress:
                tqdm.write(_describe(tuning, number), file=sys.stderr)


def list_ended(study: optuna.Study) -> list[FrozenTrial]:
    """The completed and pruned trials, in order; interrupted ones are not listed."""
    return study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))


def _check_folder(folder: StudyFolder, base: TrainingConfig, space: SearchSpace, *, resume: bool) -> None:
    if not resume:
        if folder.database.is_file() and list_ended(_load(folder, space)):
            raise UserError(f"{folder.path}: contains a study already; give another --out, or --resume to continue it")
    elif not folder.database.is_file():
        raise UserError(f"{folder.path}: no study to resume; start it without --resume")
    elif read_config(folder.config) != base or read_space(folder.space, base) != space:
        raise UserError(
            f"{folder.path}: the study has another configuration or space; resume with --config {folder.config}"
            f" --space {folder.space}"
        )
    else:
        _load(folder, space)


def _decode(data: Path, base: TrainingConfig, folder: StudyFolder, *, progress: bool) -> str:
    records = select_records(read_isic(data).records, base)
    return open_cache(records, folder.trial(0).cache, short_side=base.cache_side, progress=progress).data_sha256


def _hash(weights: Path | None) -> str | None:
    return None if weights is None else hash_file(weights)


def _check_material(folder: StudyFolder, material: dict[str, Any]) -> None:
    """Raise ``UserError`` for other data or weights, whose trials would not be comparable."""
    if not folder.material.is_file():  # studies of earlier versions lack it
        return
    begun = read_json(folder.material)
    for key, option in (("data_sha256", "--data"), ("weights", "--weights")):
        if begun[key] != material[key]:
            raise UserError(
                f"{folder.path}: the study began with other {option[2:]}, and trials are compared; resume with the same"
                f" {option}, or give another --out"
            )


def _begin(folder: StudyFolder, base: TrainingConfig, space_path: Path, material: dict[str, Any]) -> None:
    """Create the study's files, replacing a study without ended trials."""
    folder.database.unlink(missing_ok=True)
    write_whole(folder.config, yaml.safe_dump(base.to_dict(), sort_keys=False))
    write_whole(folder.space, space_path.read_text(encoding="utf-8"))
    write_whole(folder.material, json.dumps(material, indent=2) + "\n")


def _open_study(folder: StudyFolder, base: TrainingConfig, space: SearchSpace) -> optuna.Study:
    study = _load(folder, space)
    for trial in study.get_trials(states=(TrialState.RUNNING,)):  # interrupted
        study.tell(trial.number, state=TrialState.FAIL)
    if not list_ended(study) and not study.get_trials(states=(TrialState.WAITING,)):
        study.enqueue_trial(read_keys(base, space))
    return study


def _load(folder: StudyFolder, space: SearchSpace) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = folder.database.resolve()
    # By a function and not by a URL, in which ?, # and % are special.
    engine = {"creator": lambda: sqlite3.connect(path), "poolclass": NullPool}
    try:
        return optuna.create_study(
            storage=optuna.storages.RDBStorage("sqlite://", engine_kwargs=engine),
            study_name=NAME,
            direction=space.direction,
            pruner=optuna.pruners.MedianPruner(UNPRUNED_TRIALS),
            load_if_exists=True,
        )
    except (SQLAlchemyError, OptunaError, AssertionError) as error:
        reason = " ".join(str(error).split())[:100]
        raise UserError(f"{folder.database}: cannot be used ({reason}); give another --out") from error


def _run_trial(tuning: Tuning, number: int, bar: "tqdm[Any]") -> None:
    """Draw, train and record one trial.

    An interrupted one resumes after its last complete epoch; checkpoints are deleted.
    """
    study = tuning.study
    study.sampler = optuna.samplers.TPESampler(seed=tuning.base.seed + number, n_startup_trials=RANDOM_TRIALS)
    trial = study.ask()
    plain = replace_keys(tuning.base, tuning.space.draw(trial))
    tuning.folder.trial_config(number).write_text(yaml.safe_dump(plain, sort_keys=False), encoding="utf-8")
    folder = tuning.folder.trial(number)
    if not folder.last_checkpoint.is_file():
        shutil.rmtree(folder.path, ignore_errors=True)
    try:
        value = math.nan
        for epoch, value in train_by_epochs(tuning, number):
            bar.update()
            trial.report(value, epoch)
            if not math.isfinite(value) or trial.should_prune():
                raise optuna.TrialPruned
        study.tell(trial, value)
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)


def train_by_epochs(tuning: Tuning, number: int) -> Iterator[tuple[int, float]]:
    """Train a trial, and yield each epoch's number and metric as soon as they are known.

    Training ends with the last epoch, or with the iteration. Raises ``UserError`` if it fails.
    """
    folder = tuning.folder.trial(number)
    context = _get_context()
    receiver, sender = context.Pipe(duplex=False)
    options: dict[str, Any] = {
        "data": tuning.data,
        "config_path": tuning.folder.trial_config(number),
        "weights": tuning.weights,
        "out": folder.path,
        "resume": folder.last_checkpoint.is_file(),
    }
    process = context.Process(target=_train, args=(sender, options))
    process.start()
    epoch, running = 0, True
    try:
        while running and epoch < tuning.epochs:
            process.join(POLL_SECONDS)
            running = process.is_alive()  # checked before reading, so that its last output is read too
            figures = read_figures(folder.metrics, tuning.space.metric, after=epoch)
            yield from figures
            epoch += len(figures)
        if not running and process.exitcode == DIVERGED:
            yield epoch + 1, math.nan
        elif not running and process.exitcode != 0:
            reason = receiver.recv() if receiver.poll() else f"training ended with code {process.exitcode}"
            raise UserError(f"trial {number}: {reason}")
    finally:
        process.kill()
        process.join()


def read_figures(metrics: Path, metric: str, *, after: int) -> list[tuple[int, float]]:
    """Epochs later than ``after`` and their metric, from the file that the run is writing."""
    if not metrics.is_file():
        return []
    with metrics.open(newline="", encoding="utf-8") as file:
        rows = [(int(row["epoch"]), float(row[metric])) for row in csv.DictReader(file) if row[metric]]
    return [(epoch, value) for epoch, value in rows if epoch > after]


def _get_context() -> Any:
    """A context that forks from a process with the libraries imported, if the platform has one."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ml.training.run"])
    return context


def _train(sender: Connection, options: dict[str, Any]) -> None:
    """Main function of a trial's process, which ends with the study's process, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the study's process handles Ctrl-C
    parent = multiprocessing.parent_process()
    assert parent is not None
    tqdm.set_lock(threading.RLock())  # tqdm's own is a semaphore, which a killed process leaks
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        run_training(**options, progress=False)
    except DivergedError:
        sys.exit(DIVERGED)
    except UserError as error:
        sender.send(str(error))
        sys.exit(1)


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _describe(tuning: Tuning, number: int) -> str:
    trial = list_ended(tuning.study)[number]
    drawn = ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in trial.params.items()
    )
    if trial.state == TrialState.PRUNED:
        return f"trial {number}: pruned after epoch {trial.last_step} ({drawn})"
    best = ", the best so far" if tuning.study.best_trial.number == trial.number else ""
    return f"trial {number}: {tuning.space.metric} {trial.value:.4f}{best} ({drawn})"


def main(options: argparse.Namespace) -> int:
    """Run the study and print its folder."""
    folder = tune(
        data=options.data,
        config_path=options.config,
        space_path=options.space,
        weights=options.weights,
        trials=options.trials,
        out=options.out,
        report=options.report,
        resume=options.resume,
    )
    print(folder)
    return 0
