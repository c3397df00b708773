"""The list is worked off: finished models are skipped, failures counted, what was cut off goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.errors import UserError
from ml.pipelines.study import command
from ml.pipelines.study.plan import Plan, read_plan
from ml.pipelines.study.results import read_result
from ml.pipelines.study.runner import Job, Rules, Workplace, prepare_job, run_jobs
from tests.ml.pipelines.study.folders import predict_somehow, write_study_folder
from tests.ml.pipelines.study.test_plan import BASE, PLAN
from tests.ml.tiny_isic import write_tiny_isic


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("data") / "isic", per_class={"0": 1, "3": 4, "test": 2})


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "study.yaml").write_text(PLAN.replace(", weights: w.bin", ""))
    return read_plan(tmp_path / "study.yaml")


def prepare(plan: Plan, place: Workplace) -> list[Job]:
    return [prepare_job(plan, entry, place) for entry in plan.entries.values()]


def work(jobs: list[Job], place: Workplace, rules: Rules = Rules()) -> tuple[list[str], dict[str, str]]:  # noqa: B008 frozen
    """Names of what was done, and the failures."""
    done: list[str] = []
    return done, run_jobs(jobs, place, lambda job: done.append(job.entry.name), rules=rules, progress=False)


def let_train(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Run this Python for a training, with the folder as its argument."""
    monkeypatch.setattr(Job, "list_command", lambda job, _data: [sys.executable, "-c", script, str(job.folder)])


WRITE = (
    "import sys, pathlib as p; f = p.Path(sys.argv[1]); f.mkdir(exist_ok=True);"
    "[(f / name).touch() for name in ('summary.json', 'predictions.csv')];"
)


def test_finished_models_are_not_trained_again(
    plan: Plan, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workplace(data, None, tmp_path / "out")
    write_study_folder(place.out / "large", data)
    let_train(monkeypatch, WRITE + "print('trained')")
    done, failures = work(prepare(plan, place), place)
    assert (sorted(done), failures) == (["focal", "large", "small"], {})
    assert sorted(path.stem for path in (place.out / "logs").iterdir()) == ["focal", "small"]


def test_a_failure_ends_the_study_and_is_told_by_its_last_line(
    plan: Plan, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Workplace(data, None, tmp_path / "out")
    let_train(monkeypatch, "import sys; print('bar\\rbar', file=sys.stderr); sys.exit('error: the disk is full')")
    done, failures = work(prepare(plan, place), place)
    assert done == []
    assert list(failures) == ["small"]
    assert failures["small"].startswith("the disk is full (exit code 1; all of it in ")
    assert "small: failed: the disk is full" in capsys.readouterr().err


def test_the_rest_goes_on_when_asked_to(
    plan: Plan, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workplace(data, None, tmp_path / "out")
    let_train(monkeypatch, "import sys; 'small' in sys.argv[1] and sys.exit('no');" + WRITE)
    done, failures = work(prepare(plan, place), place, Rules(at_once=2, keep_going=True))
    assert sorted(done) == ["focal", "large"]
    assert list(failures) == ["small"]


def test_a_training_that_leaves_no_result_has_failed(
    plan: Plan, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workplace(data, None, tmp_path / "out")
    let_train(monkeypatch, "")
    assert work(prepare(plan, place), place)[1]["small"].startswith("said nothing (exit code 0")


def test_a_training_is_stopped_after_its_minutes(
    plan: Plan, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workplace(data, None, tmp_path / "out")
    let_train(monkeypatch, "import time; time.sleep(60)")
    failures = work(prepare(plan, place), place, Rules(minutes=0.01))[1]
    assert "not done within 0.01 minutes; run the study again to resume" in failures["small"]


def test_a_run_with_a_whole_epoch_is_resumed_and_one_without_begun_anew(plan: Plan, data: Path, tmp_path: Path) -> None:
    place = Workplace(data, None, tmp_path / "out")
    job = prepare(plan, place)[0]
    assert "--resume" not in job.list_command(data)
    (job.folder / "checkpoints").mkdir(parents=True)
    (job.folder / "checkpoints" / "last.ckpt").touch()
    assert job.list_command(data)[-2:] == ["--no-export", "--resume"]
    (job.folder / "checkpoints" / "last.ckpt").unlink()
    (job.folder / "run.json").touch()
    assert "--resume" not in job.list_command(data), "the run itself begins anew"


def test_progress_counts_the_epochs_behind_a_network(plan: Plan, data: Path, tmp_path: Path) -> None:
    job = prepare(plan, Workplace(data, None, tmp_path / "out"))[0]
    assert job.describe_progress() == "small 0/2"
    job.folder.mkdir()
    (job.folder / "metrics.csv").write_text("epoch,nll\n1,1.5\n")
    assert job.describe_progress() == "small 1/2"


def test_two_studies_do_not_share_a_directory(plan: Plan, data: Path, tmp_path: Path) -> None:
    place = Workplace(data, None, tmp_path / "out")
    jobs = prepare(plan, place)
    script = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(place.out / ".lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(UserError, match="another study is at work here"):
            work(jobs, place)
        holder.communicate(b"\n")


def run_command(data: Path, place: Path, *more: str) -> int:
    """The study's command on finished folders."""
    return main([
        "study", "--data", str(data), "--plan", str(place / "study.yaml"), "--out", str(place / "out"),
        "--results", str(place / "results"), "--log", str(place / "log.csv"), *more,
    ])  # fmt: skip


def test_the_command_measures_what_is_finished_and_reads_the_test_fold_when_asked(
    plan: Plan,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "make_predict", lambda *_: predict_somehow)
    for name in ("small", "large"):
        write_study_folder(tmp_path / "out" / name, data)
    assert run_command(data, tmp_path, "--tier", "1") == 0
    assert "small: balanced accuracy 0." in capsys.readouterr().out
    assert read_result(tmp_path / "results", "large")["test"] is None
    assert not (tmp_path / "log.csv").exists()
    assert run_command(data, tmp_path, "--report-test", "too early") == 2
    assert "focal not finished; the test fold is read when all of a tier are" in capsys.readouterr().err
    assert run_command(data, tmp_path, "--tier", "1", "--report-test", "tier 1 is complete") == 0
    assert read_result(tmp_path / "results", "large")["test"]["images"] == 14
    assert run_command(data, tmp_path, "--tier", "1", "--report-test", "again") == 0
    assert "small: was measured on the test fold before" in capsys.readouterr().out
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


def test_the_command_counts_what_cannot_be_trained(
    plan: Plan, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.yaml").write_text(PLAN)
    write_study_folder(tmp_path / "out" / "small", data)
    weights = ("--weights-dir", str(tmp_path))
    assert run_command(data, tmp_path, "--tier", "1", *weights) == 2
    assert "w.bin: is missing" in capsys.readouterr().err
    assert run_command(data, tmp_path, "--tier", "1", "--keep-going", *weights) == 1
    assert "1 of 2 models failed: large" in capsys.readouterr().err
    assert read_result(tmp_path / "results", "small")["name"] == "small"
