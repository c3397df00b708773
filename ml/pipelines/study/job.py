"""An entry of the plan as a stage, which trains in a process of its own."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ml.baselines.config import read_classical_config
from ml.errors import UserError
from ml.pipelines.stages import Stage, Work
from ml.pipelines.study.folder import is_finished
from ml.pipelines.study.plan import Entry, StudyPlan, merge_config
from ml.training.config import TrainingConfig, read_config

NETWORK = "network"
GRACE_SECONDS = 60
"""Time between SIGINT and SIGKILL."""


@dataclass(frozen=True, slots=True)
class StudyWorkspace:
    """Directories of the study; ``gpu``: the plan's values for a GPU."""

    data: Path
    weights: Path | None
    out: Path
    gpu: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One entry ready to train: its merged ``config`` has been written and checked."""

    entry: Entry
    kind: str
    config: Path
    folder: Path
    weights: Path | None
    epochs: int | None

    @property
    def log(self) -> Path:
        """Output of the training process."""
        return self.folder.parent / "logs" / f"{self.entry.name}.log"

    @property
    def is_started(self) -> bool:
        return (self.folder / "checkpoints" / "last.ckpt").is_file()

    def list_command(self, data: Path) -> list[str]:
        """The command of the training, which can also be typed by hand."""
        command = [sys.executable, "-m", "ml", "train", "--data", str(data), "--config", str(self.config)]
        command += ["--out", str(self.folder)]
        command += [] if self.weights is None else ["--weights", str(self.weights)]
        if self.kind == NETWORK:
            command += ["--no-export", *(["--resume"] if self.is_started else [])]
        return command

    def describe_progress(self) -> str:
        """Name and, for a network, number of finished epochs."""
        if self.epochs is None:
            return self.entry.name
        try:
            with (self.folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
                done = sum(1 for _ in csv.DictReader(file))
        except OSError:
            done = 0
        return f"{self.entry.name} {done}/{self.epochs}"


def prepare_job(plan: StudyPlan, entry: Entry, workspace: StudyWorkspace) -> Job:
    """Merge and check a configuration and find the weights, before hours are spent."""
    content = merge_config(plan, entry, gpu=workspace.gpu)
    kind = str(content.get("kind", NETWORK))
    config = workspace.out / "configs" / f"{entry.name}.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    folder = workspace.out / entry.name
    epochs = _check_config(config, folder, kind)
    return Job(entry, kind, config, folder, find_weights(entry, workspace), epochs)


def _check_config(path: Path, folder: Path, kind: str) -> int | None:
    """Number of epochs of a network; raises ``UserError`` for a folder with a model of another configuration."""
    held = folder / "config.yaml"
    read: Callable[[Path], Any] = read_config if kind == NETWORK else read_classical_config
    config = read(path)
    if held.is_file() and read(held) != config:
        raise UserError(f"{held}: differs from the plan's {path}; move the folder away, or give another --out")
    return sum(stage.epochs for stage in config.stages) if isinstance(config, TrainingConfig) else None


def find_weights(entry: Entry, workspace: StudyWorkspace) -> Path | None:
    """The file of an entry's initial weights; None without a directory, when the training asks the hub."""
    if entry.weights is None or workspace.weights is None:
        return None
    path = workspace.weights / entry.weights
    if not path.is_file():
        raise UserError(f"{path}: is missing, and {entry.name} starts from it; add it, or leave out --weights-dir")
    return path


def make_stage(
    job: Job,
    workspace: StudyWorkspace,
    measure: Callable[[Job], None],
    *,
    at_once: int = 1,
    minutes: float | None = None,
) -> Stage:
    """The stage that trains a job for at most ``minutes`` and then measures it; a finished one is measured only.

    Of several processes ``at_once`` each has one thread.
    """

    def run() -> Work:
        yield from _train(job, workspace, at_once, minutes)
        measure(job)

    return Stage(job.entry.name, lambda: is_finished(job.folder), run, skip=lambda: measure(job))


def _train(job: Job, workspace: StudyWorkspace, at_once: int, minutes: float | None) -> Work:
    job.log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **({"OMP_NUM_THREADS": "1"} if at_once > 1 else {})}
    began = time.monotonic()
    with job.log.open("ab") as log:
        command = job.list_command(workspace.data)
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603 our own command
        try:
            while process.poll() is None:
                if minutes is not None and time.monotonic() - began > 60 * minutes:
                    raise UserError(f"{job.folder}: not done within {minutes:g} minutes; run the study again to resume")
                yield job.describe_progress()
        finally:
            _stop(process)
    if process.returncode != 0 or not is_finished(job.folder):
        raise UserError(f"{_last_line(job.log)} (exit code {process.returncode}; all of it in {job.log})")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:  # also after a second Ctrl-C
        process.kill()
        process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else "said nothing"
