"""Execution of the plan: each model trains in a process of its own, and is measured at the end."""

import csv
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from ml.baselines.config import read_classical_config
from ml.errors import UserError
from ml.pipelines.study.folder import is_finished
from ml.pipelines.study.plan import Entry, Plan, merge_config
from ml.support.disk import owning
from ml.training.config import TrainingConfig, read_config

NETWORK = "network"
GRACE = 60  # seconds between SIGTERM and SIGKILL


@dataclass(frozen=True, slots=True)
class Workplace:
    """Directories of the study; ``gpu``: the plan's values for a GPU."""

    data: Path
    weights: Path | None
    out: Path
    gpu: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of execution.

    Number of parallel processes (of one thread each if there are several), and time limit in minutes of each; without
    ``keep_going`` nothing starts after the first failure.
    """

    at_once: int = 1
    minutes: float | None = None
    keep_going: bool = False


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


def prepare_job(plan: Plan, entry: Entry, workplace: Workplace) -> Job:
    """Merge and check a configuration and find the weights, before hours are spent."""
    content = merge_config(plan, entry, gpu=workplace.gpu)
    kind = str(content.get("kind", NETWORK))
    config = workplace.out / "configs" / f"{entry.name}.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    folder = workplace.out / entry.name
    epochs = _check_config(config, folder, kind)
    return Job(entry, kind, config, folder, find_weights(entry, workplace), epochs)


def _check_config(path: Path, folder: Path, kind: str) -> int | None:
    """Number of epochs of a network; raises ``UserError`` for a folder with a model of another configuration."""
    held = folder / "config.yaml"
    read: Callable[[Path], Any] = read_config if kind == NETWORK else read_classical_config
    config = read(path)
    if held.is_file() and read(held) != config:
        raise UserError(f"{held}: differs from the plan's {path}; move the folder away, or give another --out")
    return sum(stage.epochs for stage in config.stages) if isinstance(config, TrainingConfig) else None


def find_weights(entry: Entry, workplace: Workplace) -> Path | None:
    """The file of an entry's initial weights; None without a directory, when the training asks the hub."""
    if entry.weights is None or workplace.weights is None:
        return None
    path = workplace.weights / entry.weights
    if not path.is_file():
        raise UserError(f"{path}: is missing, and {entry.name} starts from it; add it, or leave out --weights-dir")
    return path


def run_jobs(
    jobs: Sequence[Job], workplace: Workplace, done: Callable[[Job], None], *, rules: Rules, progress: bool = True
) -> dict[str, str]:
    """Train unfinished jobs and call ``done`` for each, in this thread; returns the reasons of failed ones."""
    failures: dict[str, str] = {}
    stop = threading.Event()
    bar = tqdm(total=len(jobs), desc="Study", unit="model", disable=not progress)
    with owning(workplace.out, "study"), ThreadPoolExecutor(rules.at_once) as pool, bar:
        futures = {pool.submit(_train, job, workplace, rules, stop): job for job in jobs}
        try:
            for future in _as_finished(futures, bar):
                job = futures[future]
                try:
                    if future.result():
                        done(job)
                except UserError as error:
                    failures[job.entry.name] = str(error)
                    tqdm.write(f"{job.entry.name}: failed: {error}", file=sys.stderr)
                bar.update()
        finally:
            stop.set()
    return failures


def _as_finished(futures: dict[Future[bool], Job], bar: Any) -> Iterator[Future[bool]]:
    """Yield futures as they finish; meanwhile the bar shows the progress of the running ones."""
    waiting = set(futures)
    while waiting:
        finished, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
        bar.set_postfix_str(", ".join(futures[each].describe_progress() for each in waiting if each.running()))
        yield from finished


def _train(job: Job, workplace: Workplace, rules: Rules, stop: threading.Event) -> bool:
    """Train one model unless it is finished; returns False if the study stopped before it began."""
    if not is_finished(job.folder):
        if stop.is_set():
            return False
        try:
            _run_command(job, workplace, rules)
        except UserError:
            if not rules.keep_going:
                stop.set()
            raise
    return True


def _run_command(job: Job, workplace: Workplace, rules: Rules) -> None:
    job.log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **({"OMP_NUM_THREADS": "1"} if rules.at_once > 1 else {})}
    with job.log.open("ab") as log:
        command = job.list_command(workplace.data)
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603 our own command
        try:
            code = process.wait(None if rules.minutes is None else 60 * rules.minutes)
        except subprocess.TimeoutExpired:
            _stop(process)
            reason = f"{job.folder}: not done within {rules.minutes:g} minutes; run the study again to resume"
            raise UserError(reason) from None
    if code != 0 or not is_finished(job.folder):
        raise UserError(f"{_last_line(job.log)} (exit code {code}; all of it in {job.log})")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else "said nothing"
