"""The study's command: models are trained and measured, failures counted, the test fold read when asked."""

import subprocess
import sys
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.pipelines.study import command
from ml.pipelines.study.results import read_result
from tests.ml.pipelines.study.folders import predict_somehow, write_study_folder
from tests.ml.pipelines.study.test_plan import BASE, PLAN
from tests.ml.tiny_isic import write_tiny_isic


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("data") / "isic", per_class={"0": 1, "3": 4, "test": 2})


@pytest.fixture(autouse=True)
def _plan(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "study.yaml").write_text(PLAN.replace(", weights: w.bin", ""))


def run_command(data: Path, place: Path, *more: str) -> int:
    """The study's command on finished folders."""
    return main([
        "study", "--data", str(data), "--plan", str(place / "study.yaml"), "--out", str(place / "out"),
        "--results", str(place / "results"), "--log", str(place / "log.csv"), *more,
    ])  # fmt: skip


def test_the_command_measures_what_is_finished_and_reads_the_test_fold_when_asked(
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
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.yaml").write_text(PLAN)
    write_study_folder(tmp_path / "out" / "small", data)
    weights = ("--weights-dir", str(tmp_path))
    assert run_command(data, tmp_path, "--tier", "1", *weights) == 2
    assert "w.bin: is missing" in capsys.readouterr().err
    assert run_command(data, tmp_path, "--tier", "1", "--keep-going", *weights) == 1
    assert "1 of 2 models failed: large" in capsys.readouterr().err
    assert read_result(tmp_path / "results", "small")["name"] == "small"


def test_two_studies_do_not_share_a_directory(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    script = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "out" / ".lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert run_command(data, tmp_path) == 2
        assert "another study is at work here" in capsys.readouterr().err
        holder.communicate(b"\n")
