"""``python -m ml compare`` and ``errors``, and what neither may write over."""

from pathlib import Path

import pytest

from ml.__main__ import main
from ml.pipelines.study.folder import open_study_folder, read_truth
from ml.pipelines.study.plan import read_plan
from ml.pipelines.study.results import record_choosing
from tests.ml.pipelines.study.folders import write_study_folder
from tests.ml.pipelines.study.test_plan import BASE, PLAN
from tests.ml.tiny_isic import write_tiny_isic

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan, data, and one model finished."""
    place = tmp_path_factory.mktemp("study")
    data = write_tiny_isic(place / "isic", per_class={"0": 1, "3": 4, "test": 1})
    (place / "base.yaml").write_text(BASE)
    (place / "study.yaml").write_text(PLAN)
    plan = read_plan(place / "study.yaml")
    folder = open_study_folder(write_study_folder(place / "runs" / "small", data))
    record_choosing(folder, plan, plan.entries["small"], read_truth(data), place / "results")
    return place


def ml(*arguments: object) -> int:
    """The exit code of a command."""
    return main([str(each) for each in arguments])


def compare(place: Path, *arguments: str) -> int:
    return ml("compare", "--plan", place / "study.yaml", "--results", place / "results", *arguments)


def test_models_are_compared_in_a_table_for_each_question(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(place) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "From scratch (tier 1), on the choosing fold" in lines
    assert any(line.startswith("Small *  0.") for line in lines)
    assert any(line.startswith("Large") and "not run" in line for line in lines)


def test_own_runs_are_compared_in_plain_text(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_study_folder(place / "runs" / "mine", place / "isic", skill=4.0)
    runs = (place / "runs" / "small", place / "runs" / "mine")
    assert ml("compare", "--runs", *runs, "--data", place / "isic") == 0
    out = capsys.readouterr().out
    assert "**" not in out
    assert any(line.startswith("mine *") for line in out.splitlines()), "the surer one is the best"
    assert any(line.startswith("mine less small  +0.") for line in out.splitlines())
    assert ml("compare", "--runs", place / "runs" / "mine") == 2
    assert "--runs: needs --data" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["eda", "errors"])
def test_what_the_project_publishes_is_not_written_over_with_other_data(
    place: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in (ROOT / "docs").rglob("*") if path.is_file()}
    published = {"eda": "docs/eda", "errors": "docs/study/errors"}[command]
    more = ["--run", place / "runs" / "small", "--cache", place / "cache"] if command == "errors" else []
    for arguments, message in (
        (["--publish"], "is published of other data than"),
        (["--out", ROOT / published], "is what the project publishes"),
        (["--out", place / "isic"], "lies in the data"),
    ):
        assert ml(command, "--data", place / "isic", *more, *arguments) == 2
        assert message in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before


def test_one_question_can_be_asked(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(place, "loss", "--on", "test") == 0
    out = capsys.readouterr().out
    assert out.startswith("Loss (tier 2), on the test fold")
    assert "From scratch" not in out


def test_a_question_that_is_not_there_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(place, "huge") == 2
    assert "huge: is no question of the plan; known are scratch, loss" in capsys.readouterr().err


def test_errors_are_reported_on_the_choosing_fold(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ml(
        "errors", "--data", place / "isic", "--run", place / "runs" / "small", "--out", place / "errors",
        "--cache", place / "cache", "--results", place / "results", "--plan", place / "study.yaml",
    ) == 0  # fmt: skip
    assert capsys.readouterr().out.strip() == str(place / "errors" / "index.html")
    assert "small on fold 3" in (place / "errors" / "index.html").read_text(encoding="utf-8")


def test_a_folder_that_holds_no_model_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ml("errors", "--data", place / "isic", "--run", place / "runs" / "none") == 2
    assert "runs/none: holds no summary.json" in capsys.readouterr().err
