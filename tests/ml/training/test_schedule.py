"""The schedule of sizes and learning rate."""

import pytest

from ml.training.config import TrainingStage
from ml.training.schedule import Schedule


def make(*stages: TrainingStage, warmup: float = 0.0) -> Schedule:
    return Schedule(stages, steps_per_epoch=10, warmup_epochs=warmup, final_fraction=0.005)


def advance(schedule: Schedule, steps: int, *, seconds: float = 1.0) -> None:
    for _ in range(steps):
        schedule.advance(seconds)


def test_one_cosine_spans_all_stages() -> None:
    schedule = make(TrainingStage(64, 1), TrainingStage(96, 3))
    assert schedule.learning_rate_factor == pytest.approx(1.0)
    advance(schedule, 20)
    assert schedule.learning_rate_factor == pytest.approx(0.5025)  # half way: 0.005 + 0.995 / 2
    advance(schedule, 20)
    assert schedule.finished
    assert schedule.learning_rate_factor == pytest.approx(0.005)


def test_the_size_changes_after_the_first_stage_s_epochs() -> None:
    schedule = make(TrainingStage(64, 1), TrainingStage(96, 1))
    advance(schedule, 9)
    assert schedule.size == 64
    advance(schedule, 1)
    assert schedule.size == 96
    advance(schedule, 9)
    assert schedule.finished is False
    advance(schedule, 1)
    assert (schedule.finished, schedule.size) == (True, 96)


def test_warm_up_rises_in_a_line() -> None:
    schedule = make(TrainingStage(64, 100), warmup=1.0)
    factors = []
    for _ in range(10):
        factors.append(schedule.learning_rate_factor)
        schedule.advance(0.0)
    assert factors == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0], abs=1e-3)


def test_a_stage_that_takes_too_long_ends_in_its_minutes_and_the_rate_has_fallen() -> None:
    schedule = make(TrainingStage(64, 10, minutes=1.0), TrainingStage(96, 10))
    advance(schedule, 3, seconds=15.0)
    assert schedule.progress == pytest.approx(0.375)  # three quarters of the first half
    advance(schedule, 1, seconds=15.0)
    assert schedule.size == 96
    assert schedule.progress == pytest.approx(0.5)


def test_time_of_validation_counts() -> None:
    schedule = make(TrainingStage(64, 10, minutes=1.0))
    schedule.add_seconds(60.0)
    assert schedule.finished


def test_state_is_restored() -> None:
    schedule, other = make(TrainingStage(64, 1), TrainingStage(96, 3)), make(TrainingStage(64, 1), TrainingStage(96, 3))
    advance(schedule, 17)
    other.load_state_dict(schedule.state_dict())
    assert other.state_dict() == schedule.state_dict()
    assert other.learning_rate_factor == schedule.learning_rate_factor
