"""A site of its own for a test: its database, its storage, its processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.bundle.folder import DEFAULT_BUNDLE

PROJECT = Path(__file__).parents[3]
LONGEST_WAIT = 240.0  # on an idle machine none takes a tenth of it


@dataclass(frozen=True)
class Site:
    """Runs commands, workloads and workers of one site, each in a process of its own, as its environment says."""

    environment: dict[str, str]
    folder: Path

    @classmethod
    def create(cls, folder: Path, database_url: str, **environment: str) -> "Site":
        """Migrate an empty database, make a clinic and put the shipped network into service."""
        site = cls({"SKINSITE_VAR": str(folder), "DATABASE_URL": database_url, **environment}, folder)
        site.manage("migrate", "--verbosity", "0")
        site.manage("register_model", str(DEFAULT_BUNDLE), "--activate")
        site.work("prepare")
        return site

    def manage(self, *arguments: str, exit_code: int = 0) -> str:
        """Run a command, which ends with this exit code; its output."""
        return self._run(sys.executable, "manage.py", *arguments, "--skip-checks", exit_code=exit_code)

    def work(self, name: str, *arguments: object) -> Any:
        """Run a function of ``tests.classifier.running.workload``; what it gives."""
        output = self.run_module("tests.classifier.running.workload", name, *map(str, arguments))
        return json.loads(output.splitlines()[-1])

    def run_module(self, module: str, *arguments: str) -> str:
        """Run a module of the tests; its output."""
        return self._run(sys.executable, "-m", module, *arguments)

    @contextmanager
    def worker(self, *options: str) -> Iterator["Worker"]:
        """Run a Celery worker with one child process while the block lasts."""
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "skinsite",
            "worker",
            "--loglevel",
            "INFO",
            "--concurrency",
            "1",
            *options,
        ]
        with (self.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=PROJECT, env=self.variables(), stdout=log, stderr=log, start_new_session=True
            )
            worker = Worker(process, self.folder / "worker.log")
            try:
                yield worker
            finally:
                worker.stop()

    def wait_for(self, description: str, check: Callable[[], bool], *, pause: float = 0.2) -> None:
        """Wait until a check holds."""
        ends = time.monotonic() + LONGEST_WAIT
        while not check():
            log = self.folder / "worker.log"
            told = log.read_text()[-3000:] if log.exists() else ""
            assert time.monotonic() < ends, f"waited in vain until {description}; the worker said:\n{told}"
            time.sleep(pause)

    def variables(self) -> dict[str, str]:
        """The environment of its processes."""
        return {**os.environ, "DJANGO_SETTINGS_MODULE": "skinsite.settings.development", **self.environment}

    def _run(self, *command: str, exit_code: int = 0) -> str:
        done = subprocess.run(
            command, cwd=PROJECT, env=self.variables(), capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == exit_code, done.stderr[-3000:]
        return done.stdout or done.stderr


@dataclass(frozen=True)
class Worker:
    """A running worker: a parent and its child, in a process group of their own."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def is_ready(self) -> bool:
        """Whether it takes tasks."""
        return b" ready." in self.log.read_bytes()

    def children(self) -> list[int]:
        """The processes that compute."""
        listed = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [int(line) for line in listed.stdout.split()]

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to parent and child."""
        os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """End it, in good order if it can still."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.signal_all(signal.SIGKILL)
                self.process.wait(15)
