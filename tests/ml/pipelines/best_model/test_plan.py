"""The plan's stages: who teaches whom, in what order, within what time."""

from pathlib import Path

import pytest

from ml.errors import UserError
from ml.pipelines.best_model.plan import (
    CONFIGS,
    DEFAULT_PLAN,
    PROOF_PLAN,
    BestModelStage,
    list_stages,
    read_plan,
    select_stages,
)
from ml.pipelines.best_model.run import STAGE_MINUTES, make_config
from ml.pipelines.best_model.workspace import BestModelWorkspace
from ml.training.config import TrainingConfig

QUARTER_HOUR_PLAN = CONFIGS / "quarter_hour.yaml"
PLANS = [pytest.param(path, id=path.stem) for path in (DEFAULT_PLAN, PROOF_PLAN)]
MINIMAL = """
teachers: [{name: teacher, config: tiny.yaml}]
student: [{name: distil, config: tiny.yaml}]
average: [distil]
copies: ["4"]
"""


def configure(path: Path) -> dict[str, tuple[BestModelStage, TrainingConfig]]:
    """Every training of a plan with its configuration."""
    plan = read_plan(path)
    place = BestModelWorkspace(plan, path.parent, Path("data"), Path("weights"), Path("out"))
    return {stage.name: (stage, make_config(stage, place)) for stage in list_stages(plan) if stage.kind == "train"}


@pytest.mark.parametrize("path", PLANS)
def test_every_stage_comes_after_what_it_needs(path: Path) -> None:
    behind: set[str] = set()
    for stage in list_stages(read_plan(path)):
        assert set(stage.needs) <= behind
        assert stage.name not in behind
        behind.add(stage.name)


@pytest.mark.parametrize("path", PLANS)
def test_no_one_who_teaches_a_copy_has_seen_the_fold_that_judges_it(path: Path) -> None:
    trainings = configure(path)
    students = [(stage, config) for stage, config in trainings.values() if stage.teachers]
    assert students
    for stage, config in students:
        seen = [set(trainings[name][1].train_folds) for name in stage.teachers]
        assert not any(set(stage.held_out) & folds for folds in seen)
        for fold in config.train_folds:
            assert any(fold not in folds for folds in seen), f"{stage.name}: nobody may teach fold {fold}"


@pytest.mark.parametrize("path", PLANS)
def test_no_stage_trains_on_what_it_holds_out_and_none_chooses_its_checkpoint(path: Path) -> None:
    for stage, config in configure(path).values():
        assert not set(stage.held_out) & set(config.train_folds)
        assert set(config.train_folds) | set(stage.held_out) == {"0", "1", "2", "3", "4"}
        assert config.checkpoint == "last"


def test_what_ships_is_trained_on_all_folds_and_a_copy_exactly_as_it() -> None:
    trainings = configure(DEFAULT_PLAN)
    for name, (_, config) in trainings.items():
        if name.endswith("-all"):
            assert config.train_folds == ("0", "1", "2", "3", "4")
            copy = trainings[name.replace("-all", "-without-4")][1]
            assert (copy.stages, copy.augmentation, copy.seed) == (config.stages, config.augmentation, config.seed)


def test_a_plan_may_be_judged_on_a_fold_that_nobody_has_seen() -> None:
    trainings = configure(QUARTER_HOUR_PLAN)
    assert len(trainings) == 3, "two teachers and the student, each once"
    for _, config in trainings.values():
        assert config.train_folds == ("0", "1", "2", "3")
        assert config.choose_fold == "4"
    _, student = trainings["distil-all"]
    assert not student.distillation.out_of_fold
    told, *trained = (teacher.weights for teacher in student.distillation.teachers)
    assert told == "weights/tf_efficientnet_lite0.isic2018_distilled_288.fp16.safetensors"
    assert trained == [f"out/{name}/weights.safetensors" for name in ("lite2_crops-all", "lite2_whole-all")]
    assert read_plan(QUARTER_HOUR_PLAN).all_folds == ("0", "1", "2", "3", "4")


def test_limits_leave_every_stage_time_to_start_and_to_predict() -> None:
    for name, (_, config) in configure(DEFAULT_PLAN).items():
        minutes = [stage.minutes for stage in config.stages]
        assert None not in minutes, f"{name}: has a stage without limit"
        assert sum(minutes) <= STAGE_MINUTES - 1.5, name  # type: ignore[arg-type] # none is None


def test_everything_on_a_gpu_is_done_by_tensor_operations_in_bf16() -> None:
    for _, config in configure(DEFAULT_PLAN).values():
        assert config.augmentation.kind == "tensor"
        assert config.precision == "bf16"


def test_stages_are_chosen_by_name_or_pattern() -> None:
    stages = list_stages(read_plan(PROOF_PLAN))
    assert [stage.name for stage in select_stages(stages, ("tune_*-all", "data"))] == [
        "data",
        "tune_1-all",
        "tune_2-all",
    ]
    assert select_stages(stages, ()) == stages
    with pytest.raises(UserError, match="--stage nothing: there is none of that name"):
        select_stages(stages, ("nothing",))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("tiny.yaml}]\nstudent", "none.yaml}]\nstudent"), "teacher: there is no configuration"),
        (("name: distil", "name: teacher"), "teacher: names two steps"),
        (
            ("distil, config: tiny.yaml", "distil, config: tiny.yaml, start: tune"),
            "starts from tune, which is no earlier",
        ),
        (("average: [distil]", "average: [teacher]"), "average: must name steps of the student"),
        (('copies: ["4"]', 'copies: ["test"]'), "copies: must name at least one of the folds"),
        (('copies: ["4"]', 'copies: ["4"]\nfolds: ["4", "test", "1"]'), "folds: use 0 to 4"),
        (('copies: ["4"]', "judged_on: test"), "judged_on: must be one of 0 to 4"),
        (('copies: ["4"]', 'judged_on: "4"'), "judged_on: must be one of 0 to 4, not among folds"),
        (('copies: ["4"]', 'copies: ["1"]\nfolds: ["0", "1", "2"]\njudged_on: "4"'), "and without copies"),
        (('copies: ["4"]', 'copies: ["4"]\ntypo: 1'), "unknown key typo"),
    ],
)
def test_a_wrong_plan_is_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    (tmp_path / "tiny.yaml").write_text((CONFIGS / "tune.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    path = tmp_path / "plan.yaml"
    path.write_text(MINIMAL.replace(*change), encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_plan(path)
