"""``tune_model``: thin, and honest about what it needs."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.classifier.management.test_training_commands import manage_without_torch

CONFIGS = Path(__file__).parents[3] / "ml" / "configs"
BASE, SPACE = CONFIGS / "tune_lite0.yaml", CONFIGS / "spaces" / "lite0.yaml"


def test_help_needs_no_torch() -> None:
    result = manage_without_torch("tune_model", "--help")
    assert result.returncode == 0, result.stderr
    assert "--space" in result.stdout


def test_without_torch_the_remedy_is_one_line(tmp_path: Path) -> None:
    arguments = {"--data": tmp_path, "--config": BASE, "--space": SPACE, "--out": tmp_path / "study"}
    result = manage_without_torch("tune_model", *(str(each) for pair in arguments.items() for each in pair))
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "pip install -r requirements/ml.txt" in result.stderr


def test_bad_input_is_one_line_and_code_2(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"none\.yaml: cannot be read as YAML") as caught:
        call_command("tune_model", data=tmp_path, config=BASE, space=tmp_path / "none.yaml", out=tmp_path / "study")
    assert caught.value.returncode == 2
    with pytest.raises(CommandError, match="--trials: is 0") as caught:
        call_command("tune_model", data=tmp_path, config=BASE, space=SPACE, out=tmp_path / "study", trials=0)
    assert caught.value.returncode == 2
