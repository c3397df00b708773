"""Schedule of input size and learning rate over a run's stages."""

import math
from collections.abc import Sequence
from typing import Any

from ml.training.config import TrainingStage


class Schedule:
    """Counts steps and seconds over the stages.

    One warm-up and one cosine span all stages; a stage ends after its epochs or its minutes, whichever comes first,
    and the cosine follows the larger progress. Raises ``IndexError`` if advanced beyond the end.
    """

    def __init__(
        self, stages: Sequence[TrainingStage], *, steps_per_epoch: int, warmup_epochs: float, final_fraction: float
    ) -> None:
        self.stages = tuple(stages)
        self.steps_per_epoch = steps_per_epoch
        self.warmup_steps = warmup_epochs * steps_per_epoch
        self.final_fraction = final_fraction
        self.stage_index = 0
        self.steps_in_stage = 0
        self.seconds_in_stage = 0.0
        self.steps = 0

    @property
    def finished(self) -> bool:
        return self.stage_index >= len(self.stages)

    @property
    def size(self) -> int:
        """Input size (px) of the next step, or of the last one after the end."""
        return self.stages[min(self.stage_index, len(self.stages) - 1)].size

    @property
    def stage_progress(self) -> float:
        """Progress within the stage, 0 to 1."""
        stage = self.stages[self.stage_index]
        by_steps = self.steps_in_stage / (stage.epochs * self.steps_per_epoch)
        by_time = 0.0 if stage.minutes is None else self.seconds_in_stage / (60 * stage.minutes)
        return min(1.0, max(by_steps, by_time))

    @property
    def progress(self) -> float:
        """Progress within the run, 0 to 1, by planned epochs."""
        epochs = [stage.epochs for stage in self.stages]
        if self.finished:
            return 1.0
        return (sum(epochs[: self.stage_index]) + epochs[self.stage_index] * self.stage_progress) / sum(epochs)

    @property
    def learning_rate_factor(self) -> float:
        """Learning-rate factor: linear warm-up, then a cosine from 1 to ``final_fraction``."""
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress))
        falling = self.final_fraction + (1 - self.final_fraction) * cosine
        return falling if self.steps >= self.warmup_steps else falling * (self.steps + 1) / self.warmup_steps

    def advance(self, seconds: float) -> None:
        """Count one step that took ``seconds``."""
        self.steps += 1
        self.steps_in_stage += 1
        self.add_seconds(seconds)

    def add_seconds(self, seconds: float) -> None:
        """Count time spent outside of steps, such as validation."""
        self.seconds_in_stage += seconds
        if not self.finished and self.stage_progress >= 1:
            self.stage_index += 1
            self.steps_in_stage = 0
            self.seconds_in_stage = 0.0

    def finish(self) -> None:
        """End the schedule now."""
        self.stage_index = len(self.stages)

    def state_dict(self) -> dict[str, Any]:
        return {
            "stage_index": self.stage_index,
            "steps_in_stage": self.steps_in_stage,
            "seconds_in_stage": self.seconds_in_stage,
            "steps": self.steps,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.stage_index = state["stage_index"]
        self.steps_in_stage = state["steps_in_stage"]
        self.seconds_in_stage = state["seconds_in_stage"]
        self.steps = state["steps"]
