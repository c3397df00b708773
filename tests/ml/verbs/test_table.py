"""The table of commands: each has its help, its work is there, and what is missing is told in one line."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from ml.__main__ import list_verbs, main
from ml.verbs.table import VERBS

WITHOUT_ML = """
import sys
for name in ("torch", "timm", "lightning", "scipy", "sklearn", "pandas", "optuna", "onnx", "matplotlib", "cv2"):
    sys.modules[name] = None
from ml.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def ml_without_libraries(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_ML, *(str(each) for each in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_command_is_listed_once_with_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert list_verbs() in capsys.readouterr().out
    lines = [line.split() for line in list_verbs().splitlines() if line.startswith("  ")]
    assert [line[0] for line in lines] == list(VERBS)
    assert {line[1] for line in lines} == {"base.txt", "ml.txt"}


@pytest.mark.parametrize("name", VERBS)
def test_the_work_of_a_command_is_there_and_its_help_is_one_short_line(name: str) -> None:
    found = VERBS[name]
    module, _, function = found.work.partition(":")
    assert callable(getattr(import_module(module), function))
    assert found.help.endswith(".")
    assert len(found.help) < 110


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("eda", ["--data", "."]),
        ("tune", ["--data", ".", "--config", "c.yaml", "--space", "s.yaml", "--out", "study"]),
        ("card", []),
    ],
)
def test_a_missing_library_is_one_line_that_names_the_requirement_file(verb: str, arguments: list[str]) -> None:
    ended = ml_without_libraries(verb, *arguments)
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "pip install -r requirements/ml.txt" in ended.stderr


def test_the_options_of_eda_and_tune_are_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configs = Path(__file__).parents[3] / "ml" / "configs"
    tune = ["tune", "--data", tmp_path, "--config", configs / "tune_lite0.yaml", "--out", tmp_path / "study"]
    space = configs / "spaces" / "lite0.yaml"
    for arguments, told in (
        (["eda", "--data", tmp_path / "none", "--out", tmp_path / "eda"], "no such directory"),
        (["eda", "--data", tmp_path, "--workers", 0], "--workers 0"),
        ([*tune, "--space", tmp_path / "none.yaml"], "none.yaml: cannot be read as YAML"),
        ([*tune, "--space", space, "--trials", 0], "--trials: is 0"),
    ):
        assert main([str(each) for each in arguments]) == 2
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1
