"""What would spoil a run is told before it costs hours, in one line, and what was trained stays."""

import errno
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest
import torch
from safetensors.torch import save_file

from ml.__main__ import main
from ml.errors import UserError
from ml.networks.backbone import create_backbone
from ml.support.disk import owning
from ml.training.checkpoint import load_average
from ml.training.checkpoint_files import AtomicCheckpointIO, read_checkpoint
from ml.training.config import read_config
from ml.training.folder import RunFolder
from ml.training.losses import DivergedError
from ml.training.run import run_training
from tests.ml.spoilt_isic import add_metadata
from tests.ml.tiny_isic import TINY_RUN, write_tiny_isic

CONFIG = TINY_RUN.replace("epochs: 1", "epochs: 2")
NO_DISK = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (800_000, 800_000))\n"
    "from ml.__main__ import main; sys.exit(main(['train', *sys.argv[1:]]))"
)
"""A process that can write no file over 0.8 MB, as on a disk that is full; a checkpoint of the tiny network has 1.6."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("data") / "isic", per_class={"0": 4, "3": 2})


def write_config(directory: Path, *more: str, epochs: int = 2) -> Path:
    path = directory / "config.yaml"
    path.write_text("\n".join([CONFIG.replace("epochs: 2", f"epochs: {epochs}"), *more]) + "\n", encoding="utf-8")
    return path


def train(data: Path, config: Path, out: Path, *, resume: bool = False) -> Path:
    return run_training(data=data, config_path=config, out=out, progress=False, resume=resume)


@pytest.fixture(scope="module")
def begun(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped when its two epochs were trained, with its configuration beside it."""
    place = tmp_path_factory.mktemp("begun")
    train(data, write_config(place), place / "run")
    (place / "run" / "summary.json").unlink()
    return place


def refuse(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command says when it refuses, in its last line."""
    assert main(["train", *(str(word) for word in arguments), "--no-export"]) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said.strip().splitlines()[-1]


def test_a_loss_that_is_no_number_ends_the_run_at_once(data: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, "learning_rate: 1.0e+30", "clip: 1.0e+30", epochs=50)
    with pytest.raises(DivergedError, match=r"^epoch 1: the loss is not finite; lower learning_rate"):
        train(data, config, tmp_path / "run")
    assert not (tmp_path / "run" / "predictions.csv").exists()
    assert not RunFolder(tmp_path / "run").last_checkpoint.exists(), "what is spoilt is not kept"


@pytest.mark.parametrize("accumulate", [2, 8])
def test_what_accumulates_longer_than_an_epoch_still_moves_the_network_that_is_exported(
    data: Path, tmp_path: Path, accumulate: int
) -> None:
    config = write_config(tmp_path, f"accumulate: {accumulate}", "ema_decay: 0.0", "learning_rate: 0.01")
    folder = RunFolder(train(data, config, tmp_path / "run"))
    state = torch.load(folder.last_checkpoint, weights_only=True)["state_dict"]
    name = "conv_stem.weight"
    assert torch.equal(state[f"average.module.{name}"], state[f"model.{name}"]), "without decay it is the network"
    torch.manual_seed(2018)
    start = create_backbone("test_efficientnet", dropout=0.2, drop_path=0.1).state_dict()[name]
    exported = load_average(folder.last_checkpoint, read_config(config))[0].state_dict()[name]
    assert not torch.allclose(exported, start)


@pytest.mark.parametrize(
    ("site", "message"),
    [
        (None, "the training images have no age at all; add HAM10000_metadata.csv"),
        ("posterior torso", "site of ISIC_.* is 'posterior torso', not one of abdomen, "),
        ("unknown", "the training images have no site at all"),
    ],
)
def test_metadata_that_say_nothing_are_refused(data: Path, tmp_path: Path, site: str | None, message: str) -> None:
    config = write_config(tmp_path, "metadata: [age, site]", "augmentation: {mix_probability: 0}")
    if site is not None:
        data = add_metadata(shutil.copytree(data, tmp_path / "isic"), site=site)
    with pytest.raises(UserError, match=message):
        train(data, config, tmp_path / "run")


def test_a_run_does_not_go_on_with_other_labels(
    begun: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = shutil.copytree(data, tmp_path / "isic")
    truth = other / "ISIC2018_Task3_Training_GroundTruth.csv"
    text = truth.read_text(encoding="utf-8")
    truth.write_text(text.replace("MEL,NV", "NV,MEL", 1), encoding="utf-8")
    before = (begun / "run" / "run.json").read_bytes()
    message = refuse(capsys, "--data", other, "--config", begun / "config.yaml", "--out", begun / "run", "--resume")
    assert "was trained on other images or labels" in message
    assert (begun / "run" / "run.json").read_bytes() == before


def test_a_run_does_not_go_on_from_other_weights(
    begun: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "other.safetensors"
    state = create_backbone("test_efficientnet").state_dict()
    save_file({name: value for name, value in state.items() if not name.startswith("classifier")}, weights)
    arguments = ("--data", data, "--config", begun / "config.yaml", "--out", begun / "run", "--resume")
    assert "started from no weights, not from" in refuse(capsys, *arguments, "--weights", weights)


def test_a_process_that_is_not_the_first_waits_for_no_summary(
    begun: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    out = shutil.copytree(begun / "run", tmp_path / "run")
    options = ["--data", str(data), "--config", str(begun / "config.yaml"), "--out", str(out), "--resume"]
    assert main(["train", *options]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out == ""
    assert not (out / "summary.json").exists()


def test_a_checkpoint_that_was_cut_off_is_passed_over(
    begun: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shutil.copytree(begun / "run", tmp_path / "run")
    last = out / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[: last.stat().st_size // 2])
    train(data, begun / "config.yaml", out, resume=True)
    assert re.search(r"last\.ckpt: cannot be read .* Resuming from best\.ckpt, after epoch \d", capsys.readouterr().err)
    assert (out / "summary.json").is_file()
    for path in (out / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    message = refuse(capsys, "--data", data, "--config", begun / "config.yaml", "--out", out, "--resume")
    assert "cannot be read as a checkpoint" in message
    assert message.endswith("start the run again in another --out")


def test_a_full_disk_is_told_in_one_line(data: Path, tmp_path: Path) -> None:
    config, out = write_config(tmp_path), tmp_path / "run"
    arguments = ["--data", data, "--config", config, "--out", out, "--no-export"]
    done = subprocess.run(
        [sys.executable, "-c", NO_DISK, *(str(word) for word in arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(
        r"\.ckpt: cannot be written \((File too large|the disk takes no more)\); make room, then resume",
        done.stderr.splitlines()[-1],
    )
    assert not any((out / "checkpoints").iterdir()), "nothing that is half a checkpoint"


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoints" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"state_dict": {}, "epoch": 0}, path)

    def fill(_: object, file: IO[bytes]) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", fill)
    with pytest.raises(UserError, match=r"last\.ckpt: cannot be written \(No space left on device\); make room"):
        AtomicCheckpointIO().save_checkpoint({"state_dict": {}, "epoch": 1}, path)
    assert read_checkpoint(path)["epoch"] == 0
    assert [each.name for each in path.parent.iterdir()] == ["last.ckpt"]


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_stopped_in_its_first_epoch_begins_anew(data: Path, tmp_path: Path, resume: bool) -> None:  # noqa: FBT001
    config = write_config(tmp_path, epochs=1)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}", encoding="utf-8")
    shutil.copy(config, tmp_path / "run" / "config.yaml")
    folder = train(data, config, tmp_path / "run", resume=resume)
    assert len(json.loads((folder / "run.json").read_text(encoding="utf-8"))["data_sha256"]) == 64
    assert (folder / "summary.json").is_file()


def test_two_runs_in_one_folder_are_refused(data: Path, tmp_path: Path) -> None:
    with owning(tmp_path / "run", "run"), pytest.raises(UserError, match="another run is at work here"):
        train(data, write_config(tmp_path), tmp_path / "run")


def test_the_same_training_twice_has_the_same_hash(data: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, epochs=1)
    folders = [train(data, config, tmp_path / name) for name in ("one", "two")]
    hashes = [json.loads((each / "summary.json").read_text(encoding="utf-8"))["sha256"] for each in folders]
    assert hashes[0] == hashes[1]
