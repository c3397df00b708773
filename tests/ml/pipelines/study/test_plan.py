"""The list of the study is read strictly."""

from pathlib import Path

import pytest

from ml.errors import UserError
from ml.pipelines.study.job import StudyWorkspace, prepare_job
from ml.pipelines.study.plan import DEFAULT_PLAN, merge_config, read_plan

PLAN = """
questions:
  - key: scratch
    tier: 1
    title: From scratch
    ask: Which?
    baseline: small
    gpu: {stages: [{size: 128, epochs: 30}]}
    entries:
      - {name: small, label: Small, config: base.yaml}
      - {name: large, label: Large, config: base.yaml, set: {augmentation.mix_probability: 0, seed: 7}, weights: w.bin}
  - key: loss
    tier: 2
    title: Loss
    ask: Which?
    baseline: small
    entries:
      - {name: focal, label: Focal, config: base.yaml, set: {loss.kind: focal}}
pairs:
  - {one: large, other: focal}
"""
BASE = """
architecture: test_efficientnet
train_folds: ["0"]
choose_fold: "3"
stages: [{size: 32, epochs: 2}]
readings: [{size: 32, fractions: [0.8]}]
augmentation: {workers: 0}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    plan = tmp_path / "study.yaml"
    plan.write_text(PLAN)
    return plan


def test_entries_are_selected_by_name_and_tier(path: Path) -> None:
    plan = read_plan(path)
    assert list(plan.entries) == ["small", "large", "focal"]
    assert [entry.name for entry in plan.select(tier=2)] == ["focal"]
    assert [entry.name for entry in plan.select(only=("focal", "small"))] == ["small", "focal"]
    with pytest.raises(UserError, match="--only huge: is not in the plan"):
        plan.select(only=("huge",))


def test_every_variant_is_paired_with_its_baseline(path: Path) -> None:
    assert read_plan(path).list_pairs() == [("large", "small"), ("focal", "small"), ("large", "focal")]


def test_an_entry_changes_its_configuration_where_it_says(path: Path) -> None:
    plan = read_plan(path)
    merged = merge_config(plan, plan.entries["large"])
    assert merged["augmentation"] == {"workers": 0, "mix_probability": 0}
    assert (merged["seed"], merged["stages"]) == (7, [{"size": 32, "epochs": 2}])
    assert merge_config(plan, plan.entries["focal"])["loss"] == {"kind": "focal"}
    assert "seed" not in merge_config(plan, plan.entries["small"])


def test_a_gpu_gets_the_values_of_the_plan_for_it(path: Path) -> None:
    plan = read_plan(path)
    assert merge_config(plan, plan.entries["small"], gpu=True)["stages"] == [{"size": 128, "epochs": 30}]
    assert merge_config(plan, plan.entries["focal"], gpu=True)["stages"] == [{"size": 32, "epochs": 2}]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: large", "name: small", "small: names two entries"),
        ("name: large", "name: la/rge", "letters, digits and _"),
        ("other: focal", "other: nothing", "nothing: is no entry"),
        ("baseline: small", "baseline: nothing", "nothing: is no entry"),
        ("config: base.yaml, set: {loss", "config: gone.yaml, set: {loss", "focal: there is no configuration"),
        ("tier: 2", "tier: two", "tier: is 'two'"),
        ("title: Loss", "titel: Loss", "unknown key questions.*titel"),
    ],
)
def test_what_is_wrong_with_a_plan_is_told(path: Path, old: str, new: str, message: str) -> None:
    path.write_text(PLAN.replace(old, new))
    with pytest.raises(UserError, match=message):
        read_plan(path)


def test_a_wrong_key_in_an_entry_is_told_before_anything_trains(path: Path, tmp_path: Path) -> None:
    path.write_text(PLAN.replace("loss.kind: focal", "loss.kindness: focal"))
    plan = read_plan(path)
    with pytest.raises(UserError, match=r"focal\.yaml: unknown key loss\.kindness"):
        prepare_job(plan, plan.entries["focal"], StudyWorkspace(tmp_path, None, tmp_path / "out"))


def test_weights_that_are_not_there_are_told_before_anything_trains(path: Path, tmp_path: Path) -> None:
    plan = read_plan(path)
    with pytest.raises(UserError, match=r"w\.bin: is missing, and large starts from it"):
        prepare_job(plan, plan.entries["large"], StudyWorkspace(tmp_path, tmp_path, tmp_path / "out"))
    assert prepare_job(plan, plan.entries["large"], StudyWorkspace(tmp_path, None, tmp_path / "out")).weights is None


def test_a_folder_of_another_configuration_is_told(path: Path, tmp_path: Path) -> None:
    plan, place = read_plan(path), StudyWorkspace(tmp_path, None, tmp_path / "out")
    job = prepare_job(plan, plan.entries["small"], place)
    job.folder.mkdir()
    (job.folder / "config.yaml").write_text(BASE)
    assert prepare_job(plan, plan.entries["small"], place).epochs == 2
    (job.folder / "config.yaml").write_text(BASE.replace("epochs: 2", "epochs: 3"))
    with pytest.raises(UserError, match="differs from the plan's"):
        prepare_job(plan, plan.entries["small"], place)


def test_every_entry_of_the_study_has_a_configuration_that_is_accepted(tmp_path: Path) -> None:
    plan = read_plan(DEFAULT_PLAN)
    for entry in plan.entries.values():
        if entry.weights is not None:
            (tmp_path / entry.weights).touch()
    for entry in plan.entries.values():
        for gpu in (False, True):
            job = prepare_job(plan, entry, StudyWorkspace(tmp_path, tmp_path, tmp_path / "out", gpu))
            assert job.folder == tmp_path / "out" / entry.name
            assert (job.epochs is None) == (job.kind != "network"), entry.name


def test_tier_1_and_tier_2_hold_what_was_planned() -> None:
    plan = read_plan(DEFAULT_PLAN)
    assert [question.key for question in plan.questions if question.tier == 1] == ["classical", "scratch", "pretrained"]
    assert len(plan.select(tier=1)) == 12
    assert {question.key for question in plan.questions if question.tier == 2} == {
        "loss", "sampling", "augmentation", "mixing", "resolution", "metadata", "learning_curve", "leak"
    }  # fmt: skip
