"""A model of the study trains in a process of its own, which is resumed, limited and stopped."""

import sys
import time
from pathlib import Path

import pytest

from ml.pipelines.stages import StageRunner
from ml.pipelines.study.job import Job, StudyWorkspace, make_stage, prepare_job
from ml.pipelines.study.plan import StudyPlan, read_plan
from tests.ml.pipelines.study.folders import write_study_folder
from tests.ml.pipelines.study.test_plan import BASE, PLAN
from tests.ml.tiny_isic import write_tiny_isic


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("data") / "isic", per_class={"0": 1, "3": 4, "test": 2})


@pytest.fixture
def plan(tmp_path: Path) -> StudyPlan:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "study.yaml").write_text(PLAN.replace(", weights: w.bin", ""))
    return read_plan(tmp_path / "study.yaml")


def prepare(plan: StudyPlan, workspace: StudyWorkspace) -> list[Job]:
    return [prepare_job(plan, entry, workspace) for entry in plan.entries.values()]


def train(plan: StudyPlan, workspace: StudyWorkspace, minutes: float | None = None) -> tuple[list[str], dict[str, str]]:
    """Names of what was measured, and the failures."""
    measured: list[str] = []
    stages = [
        make_stage(job, workspace, lambda job: measured.append(job.entry.name), minutes=minutes)
        for job in prepare(plan, workspace)
    ]
    return measured, StageRunner(stages, after_failure="start nothing").run("Study", progress=False)


def let_train(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Run this Python for a training, with the folder as its argument."""
    monkeypatch.setattr(Job, "list_command", lambda job, _data: [sys.executable, "-c", script, str(job.folder)])


WRITE = (
    "import sys, pathlib as p; f = p.Path(sys.argv[1]); f.mkdir(exist_ok=True);"
    "[(f / name).touch() for name in ('summary.json', 'predictions.csv')];"
)


def test_finished_models_are_not_trained_again(
    plan: StudyPlan, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = StudyWorkspace(data, None, tmp_path / "out")
    write_study_folder(workspace.out / "large", data)
    let_train(monkeypatch, WRITE + "print('trained')")
    done, failures = train(plan, workspace)
    assert (sorted(done), failures) == (["focal", "large", "small"], {})
    assert sorted(path.stem for path in (workspace.out / "logs").iterdir()) == ["focal", "small"]


def test_a_failure_ends_the_study_and_is_told_by_its_last_line(
    plan: StudyPlan, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = StudyWorkspace(data, None, tmp_path / "out")
    let_train(monkeypatch, "import sys; print('bar\\rbar', file=sys.stderr); sys.exit('error: the disk is full')")
    done, failures = train(plan, workspace)
    assert done == []
    assert list(failures) == ["small"]
    assert failures["small"].startswith("the disk is full (exit code 1; all of it in ")
    assert "small: failed: the disk is full" in capsys.readouterr().err


def test_a_training_that_leaves_no_result_has_failed(
    plan: StudyPlan, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = StudyWorkspace(data, None, tmp_path / "out")
    let_train(monkeypatch, "")
    assert train(plan, workspace)[1]["small"].startswith("said nothing (exit code 0")


def test_a_training_is_stopped_after_its_minutes(
    plan: StudyPlan, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = StudyWorkspace(data, None, tmp_path / "out")
    let_train(monkeypatch, "import time; time.sleep(60)")
    failures = train(plan, workspace, minutes=0.01)[1]
    assert "not done within 0.01 minutes; run the study again to resume" in failures["small"]


def test_a_training_that_is_closed_is_interrupted(
    plan: StudyPlan, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = StudyWorkspace(data, None, tmp_path / "out")
    let_train(
        monkeypatch,
        "import sys, time, pathlib as p\n"
        "f = p.Path(sys.argv[1]); f.mkdir()\n"
        "try: (f / 'began').touch(); time.sleep(60)\n"
        "except KeyboardInterrupt: (f / 'interrupted').touch()",
    )
    job = prepare(plan, workspace)[0]
    work = make_stage(job, workspace, lambda _: None).run()
    deadline = time.monotonic() + 60
    while not (job.folder / "began").exists():
        assert next(work) == "small 0/2"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    work.close()
    assert (job.folder / "interrupted").exists()


def test_a_run_with_a_whole_epoch_is_resumed_and_one_without_begun_anew(
    plan: StudyPlan, data: Path, tmp_path: Path
) -> None:
    workspace = StudyWorkspace(data, None, tmp_path / "out")
    job = prepare(plan, workspace)[0]
    assert "--resume" not in job.list_command(data)
    (job.folder / "checkpoints").mkdir(parents=True)
    (job.folder / "checkpoints" / "last.ckpt").touch()
    assert job.list_command(data)[-2:] == ["--no-export", "--resume"]
    (job.folder / "checkpoints" / "last.ckpt").unlink()
    (job.folder / "run.json").touch()
    assert "--resume" not in job.list_command(data), "the run itself begins anew"


def test_progress_counts_the_epochs_behind_a_network(plan: StudyPlan, data: Path, tmp_path: Path) -> None:
    job = prepare(plan, StudyWorkspace(data, None, tmp_path / "out"))[0]
    assert job.describe_progress() == "small 0/2"
    job.folder.mkdir()
    (job.folder / "metrics.csv").write_text("epoch,nll\n1,1.5\n")
    assert job.describe_progress() == "small 1/2"
