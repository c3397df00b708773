"""``train_model`` and ``export_model``: the verbs ``train`` and ``export``, and honest about what they need."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

CONFIGS = Path(__file__).parents[3] / "ml" / "configs"
# What a machine without requirements/ml.txt lacks.
WITHOUT_TORCH = (
    "import sys\n"
    "for name in ('torch', 'timm', 'lightning', 'scipy', 'sklearn', 'torchmetrics', 'safetensors'):\n"
    "    sys.modules[name] = None\n"
    "from django.core.management import execute_from_command_line\n"
    "execute_from_command_line(['manage.py', *sys.argv[1:]])"
)


def manage_without_torch(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("command", "option"), [("train_model", "--resume"), ("export_model", "CHECKPOINT")], ids=["train", "export"]
)
def test_help_needs_no_torch(command: str, option: str) -> None:
    result = manage_without_torch(command, "--help")
    assert result.returncode == 0, result.stderr
    assert option in result.stdout


@pytest.mark.parametrize("command", ["train_model", "export_model"])
def test_without_torch_the_remedy_is_one_line(tmp_path: Path, command: str) -> None:
    checkpoint = tmp_path / "checkpoints" / "best.ckpt"
    checkpoint.parent.mkdir()
    checkpoint.touch()
    shutil.copy2(CONFIGS / "lite0_cpu.yaml", tmp_path / "config.yaml")
    arguments = {
        "train_model": ("--data", tmp_path),
        "export_model": (checkpoint, "--out", tmp_path / "bundle"),
    }
    result = manage_without_torch(command, *(str(each) for each in arguments[command]))
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "pip install -r requirements/ml.txt" in result.stderr


def test_bad_input_is_one_line_and_code_2(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such directory") as caught:
        call_command("train_model", data=tmp_path / "none", out=tmp_path / "run")
    assert caught.value.returncode == 2
    with pytest.raises(CommandError, match="is no file; give runs/NAME/checkpoints") as caught:
        call_command("export_model", tmp_path / "best.ckpt", out=tmp_path / "bundle")
    assert caught.value.returncode == 2
