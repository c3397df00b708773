"""Estimates of time, against sums worked out by hand."""

from dataclasses import replace

import pytest

from ml.__main__ import main
from ml.pipelines.best_model.estimate import count_operations, estimate_minutes
from ml.pipelines.best_model.plan import read_plan
from ml.training.config import InferencePlan, TrainingConfig, TrainingStage

LITE0 = TrainingConfig(
    "tf_efficientnet_lite0", ("0", "1", "2", "3", "4"), "4", (TrainingStage(224, 10),), (InferencePlan(224, (0.8,)),)
)


def test_operations_are_those_that_are_published() -> None:
    # 407 million multiply-adds (tensorflow/tpu, efficientnet/lite), two operations each.
    assert count_operations("tf_efficientnet_lite0", 224) == pytest.approx(2 * 407e6, rel=0.06)


def test_minutes_follow_from_images_epochs_and_teachers() -> None:
    alone = 10 * 8818 / 5500 / 60  # folds 0 to 4 hold 8,818 images; one more minute to start
    assert estimate_minutes(read_plan(), LITE0, []) == pytest.approx(1 + alone)
    assert estimate_minutes(read_plan(), LITE0, ["tf_efficientnet_lite0"] * 3) == pytest.approx(1 + 2 * alone)
    limited = replace(LITE0, stages=(TrainingStage(224, 1000, minutes=6),))
    assert estimate_minutes(read_plan(), limited, []) == pytest.approx(1 + 6)


def test_the_list_names_what_a_stage_needs_leaves_and_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["best-model", "--list", "--stage", "distil_288-all", "average-all", "--out", "nowhere"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "min  needs data, distil_256-all, 15 teachers; leaves weights.safetensors" in lines[0]
    assert lines[1].endswith("needs tune_1-all, tune_2-all, tune_3-all; leaves weights.safetensors")
    assert lines[2].startswith("2 stages, 1 of them on a GPU")
