"""The runner of pipelines: it skips finished stages and runs the others, so that the same command resumes."""

import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Literal

from tqdm import tqdm

from ml.errors import UserError

POLL_SECONDS = 0.2

Work = Generator[str, None, None]
"""A stage at work: yields its progress in a few words, often if others are to run meanwhile; stops when closed."""


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One piece of a pipeline, known to be finished by the files that it leaves.

    ``run``: starts the work, which raises ``UserError`` if it fails. ``skip``: called in place of ``run`` for a
    finished stage, such as to check that it belongs to the plan. ``needs``: stages that come first. ``minutes``: the
    longest time that it may take.
    """

    name: str
    is_finished: Callable[[], bool]
    run: Callable[[], Work]
    skip: Callable[[], None]
    needs: tuple["Stage", ...] = ()
    minutes: float = 0


@dataclass(slots=True)
class StageRunner:
    """Runs stages in order, ``at_once`` of them at a time, with a line for each.

    With ``minutes`` no stage starts that might end later. ``after_failure``: the first failure is raised and stops
    what runs; or nothing starts after it; or all goes on.
    """

    stages: Sequence[Stage]
    at_once: int = 1
    minutes: float | None = None
    after_failure: Literal["raise", "start nothing", "go on"] = "raise"
    waiting: list[Stage] = field(init=False, default_factory=list)
    running: dict[Stage, Work] = field(init=False, default_factory=dict)
    failures: dict[str, str] = field(init=False, default_factory=dict)

    def run(self, title: str, *, progress: bool = True) -> dict[str, str]:
        """Run the unfinished stages, and return the reasons of failed ones by name.

        Raises ``UserError`` for the first failure if so asked. An interrupt, as by Ctrl-C, stops what runs.
        """
        began, skipped = time.monotonic(), self._skip_finished()
        bar = tqdm(total=len(self.stages), initial=skipped, desc=title, unit="stage", smoothing=0, disable=not progress)
        with bar, ExitStack() as stopping:
            while self.waiting or self.running:
                self._start(stopping, began)
                at_work = list(self.running)
                words = [word for stage in at_work if (word := self._advance(stage)) is not None]
                bar.set_postfix_str(", ".join(words), refresh=sys.stderr.isatty())
                bar.update(len(at_work) - len(words))
                if len(at_work) == len(words):
                    time.sleep(POLL_SECONDS)
        return self.failures

    def _skip_finished(self) -> int:
        """Skip finished stages before any time is spent on others, which are left in ``waiting``; returns how many."""
        finished = [stage for stage in self.stages if stage.is_finished()]
        self.waiting = [stage for stage in self.stages if stage not in finished]
        for stage in finished:
            try:
                stage.skip()
                self._tell(stage, "already finished")
            except UserError as error:
                self._fail(stage, error)
        return len(finished)

    def _start(self, stopping: ExitStack, began: float) -> None:
        """Start as many stages as may run, have what they need and can end in time."""
        while self.waiting and len(self.running) < self.at_once:
            stage = self.waiting[0]
            lacking = [need.name for need in stage.needs if not need.is_finished()]
            if lacking and self.running:  # one of them may be what it needs
                return
            if (
                not lacking
                and self.minutes is not None
                and (time.monotonic() - began) / 60 + stage.minutes > self.minutes
            ):
                self._tell(stage, f"not started, as it may take {stage.minutes:g} minutes; run the command again")
                self.waiting.clear()
                return
            self.waiting.pop(0)
            self.running[stage] = stopping.enter_context(closing(self._work(stage, lacking)))

    def _work(self, stage: Stage, lacking: Sequence[str]) -> Work:
        if lacking:
            raise UserError(f"{stage.name}: needs {lacking[0]}; run that stage first, or leave out --stage")
        started = time.monotonic()
        self._tell(stage, "started")
        yield from stage.run()
        self._tell(stage, f"done in {(time.monotonic() - started) / 60:.1f} min")

    def _advance(self, stage: Stage) -> str | None:
        """The progress of a running stage; None if it has ended."""
        try:
            return next(self.running[stage])
        except StopIteration:
            pass
        except UserError as error:
            self._fail(stage, error)
        del self.running[stage]
        return None

    def _fail(self, stage: Stage, error: UserError) -> None:
        if self.after_failure == "raise":
            raise error
        if self.after_failure == "start nothing":
            self.waiting.clear()
        self.failures[stage.name] = str(error)
        tqdm.write(f"{stage.name}: failed: {error}", file=sys.stderr)

    def _tell(self, stage: Stage, what: str) -> None:
        tqdm.write(f"stage {self.stages.index(stage) + 1} of {len(self.stages)}, {stage.name}: {what}")
