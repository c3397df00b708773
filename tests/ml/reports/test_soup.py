"""A run averaged with its start: values by hand, and the command from a checkpoint to its table."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import save_file

from ml.__main__ import main
from ml.build.checkpoint import Start, average_with_start
from ml.bundle.folder import load_bundle
from ml.bundle.hashing import hash_file
from ml.data.isic import hash_records, read_isic
from ml.errors import UserError
from ml.networks.backbone import create_backbone
from ml.training.config import build_config
from ml.training.folder import RunFolder
from ml.training.selection import select_records
from tests.ml.tiny_isic import write_tiny_isic

CONFIG = {
    "architecture": "test_efficientnet",
    "train_folds": ["0"],
    "choose_fold": "4",
    "checkpoint": "last",
    "stages": [{"size": 32, "epochs": 1}],
    "readings": [{"size": 64, "fractions": [0.9]}],
    "cache_side": 64,
}
BIAS = "classifier.bias"


def fill(value: float) -> dict[str, torch.Tensor]:
    """A network's state whose classifier has this bias and whose other values are drawn."""
    torch.manual_seed(int(value))
    state = create_backbone("test_efficientnet").state_dict()
    state[BIAS] = torch.full((7,), value)
    return state


@pytest.fixture
def start(tmp_path: Path) -> Path:
    path = tmp_path / "start.safetensors"
    save_file(fill(1.0), path)
    return path


@pytest.fixture
def run(tmp_path: Path, start: Path) -> tuple[RunFolder, Path]:
    """The folder of a run that went from 1 to 3, as far as an export reads it, and its data."""
    data = write_tiny_isic(tmp_path / "data", per_class={"0": 1, "4": 1})
    folder, config = RunFolder(tmp_path / "run"), build_config(CONFIG)
    folder.checkpoints.mkdir(parents=True)
    folder.config.write_text(yaml.safe_dump(config.to_dict()), encoding="utf-8")
    described = {
        "data_directory": str(data),
        "data_sha256": hash_records(select_records(read_isic(data).records, config)),
        "git_revision": "0" * 40,
        "weights": {"name": start.name, "sha256": hash_file(start)},
    }
    folder.description.write_text(json.dumps(described), encoding="utf-8")
    state: dict[str, Any] = {f"average.module.{name}": value for name, value in fill(3.0).items()}
    torch.save({"epoch": 0, "state_dict": state | {"prior": torch.full((7,), 1 / 7)}}, folder.last_checkpoint)
    return folder, data


@pytest.mark.parametrize(("share", "bias"), [(0.0, 1.0), (0.25, 1.5), (0.5, 2.0), (1.0, 3.0)])
def test_the_share_is_that_of_the_run(start: Path, share: float, bias: float) -> None:
    model = create_backbone("test_efficientnet")
    model.load_state_dict(fill(3.0))
    described = {"weights": {"name": start.name, "sha256": hash_file(start)}}
    told = average_with_start(model, Start(start, share), described)
    assert model.state_dict()[BIAS].tolist() == pytest.approx([bias] * 7)
    name = "conv_stem.weight"
    expected = (1 - share) * fill(1.0)[name] + share * fill(3.0)[name]
    torch.testing.assert_close(model.state_dict()[name], expected)
    assert f"its own count {share:g}" in told


def test_a_run_is_averaged_with_its_own_start_alone(start: Path) -> None:
    model = create_backbone("test_efficientnet")
    for begun in (None, {"name": start.name, "sha256": "0" * 64}):
        with pytest.raises(UserError, match="the run did not start from it"):
            average_with_start(model, Start(start, 0.5), {"weights": begun})


def test_shares_are_exported_and_judged_against_the_start(
    run: tuple[RunFolder, Path], start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, data = run
    out = tmp_path / "soup"
    arguments = [str(folder.last_checkpoint), "--data", str(data), "--weights", str(start), "--out", str(out)]
    assert main(["soup", *arguments, "--shares", "0.5"]) == 0
    found = json.loads((out / "soup.json").read_text(encoding="utf-8"))
    assert list(found["shares"]) == ["0", "0.5"]
    assert found["sample"]["per_class"]["NV"] == 1
    assert "differences" not in found["shares"]["0"]
    assert isinstance(found["shares"]["0.5"]["passes_the_rule"], bool)
    assert load_bundle(out / "share-0.5").sha256 == found["shares"]["0.5"]["sha256"]
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| 0")]
    assert [row.split("|")[1].strip() for row in rows] == ["0", "0.5", "0.5 less 0"]


def test_a_share_is_between_none_and_all(run: tuple[RunFolder, Path], start: Path, tmp_path: Path) -> None:
    folder, data = run
    arguments = [
        str(folder.last_checkpoint),
        "--data",
        str(data),
        "--weights",
        str(start),
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(["soup", *arguments, "--shares", "1.5"]) == 2
