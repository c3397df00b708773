"""A whole training run on tiny images: started, killed, resumed, exported."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ml.__main__ import main
from ml.build.checkpoint import export_checkpoint
from ml.bundle.folder import load_bundle
from ml.bundle.hashing import hash_file, hash_tensors
from ml.bundle.manifest import TrainedOn
from ml.data.isic import parse_isic, read_isic
from ml.data.split import SPLIT_SHA256, parse_split, read_split
from ml.errors import UserError
from ml.networks.backbone import create_backbone, load_weights
from ml.taxonomy import CLASSES
from ml.training.config import TrainingStage, read_config
from ml.training.folder import RunFolder
from ml.training.run import is_at_end, run_training, start_model
from ml.training.selection import select_records
from tests.ml.spoilt_isic import add_metadata
from tests.ml.tiny_isic import write_tiny_isic

CONFIG = """
architecture: test_efficientnet
train_folds: ["0"]
choose_fold: "3"
stages: [{size: 32, epochs: 2}, {size: 48, epochs: 2}]
readings: [{size: 48, fractions: [0.8]}, {size: 64, fractions: [0.9, 0.7]}]
cache_side: 64
batch_size: 8
warmup_epochs: 0.5
precision: fp32
"""
FIGURES = ("epoch", "size", "learning_rate", "train_loss", "nll", "balanced_accuracy", "malignancy_auc")
PATIENCE = 600  # s; a busy machine starts a process in minutes


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("data") / "isic", per_class={"0": 4, "3": 3, "test": 1})


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished(data: Path, config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted run, made by the command."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    result = subprocess.run(list_command(data, config, out), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == str(out)
    assert "Training: " in result.stderr, "a bar shows what is left"
    return out


def list_command(data: Path, config: Path, out: Path, *more: str) -> list[str]:
    arguments = ["--data", str(data), "--config", str(config), "--out", str(out), *more]
    return [sys.executable, "-m", "ml", "train", *arguments]


def read_figures(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return [{name: row[name] for name in FIGURES} for row in csv.DictReader(file)]


def interrupt(command: Sequence[str], folder: Path, number: signal.Signals) -> tuple[int, str]:
    """Start, wait until an epoch is saved, and send a signal; the exit code and standard error."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + PATIENCE
    while not (folder / "checkpoints" / "last.ckpt").is_file():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, number)
    errors = process.communicate(timeout=PATIENCE)[1]
    return process.returncode, errors


def test_a_run_leaves_what_is_needed_to_repeat_it(finished: Path, data: Path, config: Path) -> None:
    description = json.loads((finished / "run.json").read_text(encoding="utf-8"))
    assert description["split_sha256"] == SPLIT_SHA256
    assert description["seed"] == 2018
    assert description["precision"] == "fp32"
    assert description["data_directory"] == str(data)
    assert len(description["data_sha256"]) == 64
    assert description["environment"]["torch"] == torch.__version__.split("+")[0]
    assert read_config(finished / "config.yaml") == read_config(config)


def test_a_run_parses_the_split_and_the_data_set_once(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The rehearsal of the export reads no data.
    monkeypatch.setattr("ml.build.servable.check_servable", lambda _config: None)
    path = tmp_path / "short.yaml"
    path.write_text(CONFIG.replace("epochs: 2", "epochs: 1"), encoding="utf-8")
    parsers = (parse_split, parse_isic)
    for parse in parsers:
        parse.cache_clear()
    assert main(["train", "--data", str(data), "--config", str(path), "--out", str(tmp_path / "run")]) == 0
    assert [parse.cache_info().misses for parse in parsers] == [1, 1]
    assert all(parse.cache_info().hits for parse in parsers)


def test_a_run_has_a_row_for_every_epoch_and_its_size(finished: Path) -> None:
    rows = read_figures(finished)
    assert [(row["epoch"], row["size"]) for row in rows] == [("1", "32"), ("2", "32"), ("3", "48"), ("4", "48")]
    assert all(0 <= float(row["balanced_accuracy"]) <= 1 for row in rows)
    assert float(rows[0]["train_loss"]) == pytest.approx(1.946, abs=0.3)


def test_a_run_ends_in_a_bundle_calibrated_and_measured_on_its_choosing_fold(finished: Path) -> None:
    manifest = load_bundle(finished / "bundle").manifest
    readings = json.loads((finished / "readings.json").read_text(encoding="utf-8"))
    assert len(readings) == 2
    assert manifest.input.size == (
        48 if max(readings, key=lambda key: readings[key]).startswith("ReadingPlan(size=48") else 64
    )
    assert manifest.training_prior.frequencies == pytest.approx([1 / 7] * 7, abs=1e-5)
    assert "chosen on fold 3" in manifest.training
    assert "on fold 3" in manifest.thresholds.malignant.how
    assert manifest.metrics["fold_3"]["images"] == 21
    description = json.loads((finished / "run.json").read_text(encoding="utf-8"))
    assert manifest.trained_on == TrainedOn(
        images=28,
        train_folds=("0",),
        choose_fold="3",
        data_sha256=description["data_sha256"],
        config_sha256=hash_file(finished / "config.yaml"),
    )
    assert "on 28 images of folds 0" in manifest.training
    assert "test" not in manifest.metrics


def test_a_run_leaves_scores_of_every_image_that_it_is_judged_on_and_no_labels(finished: Path) -> None:
    with (finished / "predictions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image", "fold", *CLASSES]
    folds = read_split().fold_of
    assert [row["fold"] for row in rows] == [folds[row["image"]] for row in rows] == ["3"] * 21, (
        "the test fold is not read"
    )
    assert all(sum(float(row[code]) for code in CLASSES) == pytest.approx(1, abs=1e-5) for row in rows)


def test_a_run_sums_itself_up(finished: Path, config: Path) -> None:
    summary = json.loads((finished / "summary.json").read_text(encoding="utf-8"))
    network = create_backbone("test_efficientnet")
    assert summary["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    assert (summary["initialisation"], summary["training_images"], summary["epochs"]) == ("scratch", 28, 4)
    assert summary["images_seen"] == 4 * 24, "three whole batches of eight an epoch"
    assert summary["training_prior"] == pytest.approx([1 / 7] * 7)
    assert summary["sha256"] == hash_tensors(finished / "weights.safetensors")
    assert summary["flops"] > 0
    assert summary["milliseconds_per_image"] > 0
    assert summary["config"] == read_config(config).to_dict()


def test_the_weights_of_a_run_start_another_network(finished: Path) -> None:
    network = create_backbone("test_efficientnet")
    assert load_weights(network, finished / "weights.safetensors"), "its classifier is in the file"


def test_a_run_draws_its_curves_and_writes_for_tensorboard(finished: Path) -> None:
    assert (finished / "curves.svg").read_text(encoding="utf-8").startswith("<?xml")
    events = EventAccumulator(str(finished / "tensorboard"))
    events.Reload()
    drawn = [scalar.value for scalar in events.Scalars("balanced_accuracy")]
    assert drawn == pytest.approx([float(row["balanced_accuracy"]) for row in read_figures(finished)], abs=1e-5)


def test_a_killed_run_resumes_to_the_numbers_of_an_uninterrupted_one(
    finished: Path, data: Path, config: Path, tmp_path: Path
) -> None:
    out = tmp_path / "resumed"
    code, _ = interrupt(list_command(data, config, out), out, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert not (out / "bundle").exists()
    # By the command, as the whole run was: another test may have changed this process's number of threads, and with it
    # the order of sums.
    subprocess.run(list_command(data, config, out, "--resume"), capture_output=True, check=True)
    assert read_figures(out) == read_figures(finished)
    assert load_bundle(out / "bundle").manifest.self_test == load_bundle(finished / "bundle").manifest.self_test


def test_an_interrupted_run_says_how_to_go_on(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "long.yaml"  # so that it has not ended by the time that the signal comes
    config.write_text(CONFIG.replace("epochs: 2", "epochs: 200"), encoding="utf-8")
    command = list_command(data, config, tmp_path / "run", "--no-export")
    code, errors = interrupt(command, tmp_path / "run", signal.SIGINT)
    assert code == 130
    assert errors.splitlines()[-1].endswith(
        "Run the same command with --resume to continue after the last complete epoch."
    )


def test_the_last_epoch_is_kept_and_the_one_of_least_nll(finished: Path) -> None:
    figures = [float(row["nll"]) for row in read_figures(finished)]
    best, last = (
        torch.load(finished / "checkpoints" / name, weights_only=True)["epoch"] for name in ("best.ckpt", "last.ckpt")
    )
    assert best == figures.index(min(figures))
    assert last == len(figures) - 1


def test_a_finished_run_is_not_trained_further(finished: Path, config: Path) -> None:
    assert is_at_end(RunFolder(finished).last_checkpoint, read_config(config))
    longer = replace(read_config(config), stages=(*read_config(config).stages, TrainingStage(48, 1)))
    assert not is_at_end(RunFolder(finished).last_checkpoint, longer)


def test_a_bundle_can_be_exported_again_from_the_checkpoint(finished: Path, tmp_path: Path) -> None:
    bundle = export_checkpoint(finished / "checkpoints" / "best.ckpt", tmp_path / "again", progress=False)
    made = load_bundle(finished / "bundle").manifest
    assert bundle.manifest.self_test == made.self_test
    assert bundle.manifest.calibration == made.calibration


def test_a_bundle_is_not_exported_with_other_data(finished: Path, tmp_path: Path) -> None:
    other = write_tiny_isic(tmp_path / "other", per_class={"0": 4, "3": 2})
    with pytest.raises(UserError, match=f"{other}: holds other images or labels than {finished} was trained on"):
        export_checkpoint(finished / "checkpoints" / "best.ckpt", tmp_path / "out", data=other, progress=False)
    assert not (tmp_path / "out").exists()


def test_a_run_goes_on_with_the_ages_that_it_began_with(tmp_path: Path) -> None:
    data = write_tiny_isic(tmp_path / "isic", per_class={"0": 1, "3": 1})
    add_metadata(data, age="45")
    config = tmp_path / "aged.yaml"
    config.write_text(f"{CONFIG}metadata: [age]\naugmentation: {{mix_probability: 0}}\n", encoding="utf-8")
    out = run_training(data=data, config_path=config, out=tmp_path / "run", progress=False)
    add_metadata(data, age="60")
    with pytest.raises(UserError, match=f"{out}: was trained with other age"):
        run_training(data=data, config_path=config, out=out, resume=True, progress=False)
    add_metadata(data, age="45")
    assert run_training(data=data, config_path=config, out=out, resume=True, progress=False) == out


def test_no_image_of_the_test_fold_is_opened(data: Path, config: Path) -> None:
    folds = read_split().fold_of
    records = read_isic(data).records
    assert "test" in {folds[record.image_id] for record in records}
    assert {folds[record.image_id] for record in select_records(records, read_config(config))} == {"0", "3"}


def fail(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command says when it refuses, in one line."""
    assert main(["train", *arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def test_a_used_folder_is_not_overwritten(
    finished: Path, data: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = fail(capsys, "--data", str(data), "--config", str(config), "--out", str(finished))
    assert "contains a run already" in message


def test_nothing_to_resume_is_said(
    data: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = fail(capsys, "--data", str(data), "--config", str(config), "--out", str(tmp_path / "new"), "--resume")
    assert "no run to resume" in message


def test_resuming_with_another_configuration_is_refused(
    finished: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(CONFIG.replace("epochs: 2", "epochs: 3"), encoding="utf-8")
    message = fail(capsys, "--data", str(data), "--config", str(other), "--out", str(finished), "--resume")
    assert "differs from the configuration given" in message


def test_a_fold_without_images_is_named(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(CONFIG.replace('choose_fold: "3"', 'choose_fold: "2"'), encoding="utf-8")
    message = fail(capsys, "--data", str(data), "--config", str(other), "--out", str(tmp_path / "run"))
    assert "no image of fold 2 in the data" in message


def test_weights_that_have_seen_the_choosing_fold_are_refused(
    data: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "lesions.safetensors"
    save_file(create_backbone("test_efficientnet").state_dict(), weights)
    arguments = ("--data", str(data), "--config", str(config), "--out", str(tmp_path / "run"))
    message = fail(capsys, *arguments, "--weights", str(weights))
    assert "it has seen folds 0 to 3; set choose_fold to 4" in message


def test_a_file_that_is_no_checkpoint_is_named(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"some\.ckpt: is no file"):
        export_checkpoint(tmp_path / "some.ckpt", tmp_path / "out")
    (tmp_path / "some.ckpt").touch()
    with pytest.raises(UserError, match=r"some\.ckpt: is in no run folder"):
        export_checkpoint(tmp_path / "some.ckpt", tmp_path / "out")
    broken = finished / "checkpoints" / "broken.ckpt"
    broken.write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"broken\.ckpt: cannot be read as a checkpoint"):
        export_checkpoint(broken, tmp_path / "out")


ALIKE = """
architecture: test_vit
architecture_options: {img_size: 32}
train_folds: ["0"]
choose_fold: "3"
stages: [{size: 32, epochs: 2}]
readings: [{size: 32, fractions: [0.8]}]
cache_side: 32
batch_size: 8
dropout: 0.0
drop_path: 0.0
precision: fp32
augmentation: {level: none, mix_probability: 0}
"""


def test_two_processes_train_the_network_that_one_does(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "alike.yaml"
    config.write_text(ALIKE, encoding="utf-8")
    for name, more in (("one", ()), ("two", ("--devices", "2"))):
        command = list_command(data, config, tmp_path / name, "--no-export", *more)
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    assert not (tmp_path / "two" / "bundle").exists()
    one, two = (read_figures(tmp_path / name) for name in ("one", "two"))
    for alone, together in zip(one, two, strict=True):
        figures = ("train_loss", "nll", "balanced_accuracy", "malignancy_auc")
        assert [float(together[name]) for name in figures] == pytest.approx(
            [float(alone[name]) for name in figures], abs=2e-4
        )
    first, second = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "two"))
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=2e-3, rtol=0, msg=name)


def test_a_batch_that_does_not_deal_evenly_is_refused(
    data: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--data", str(data), "--config", str(config), "--out", str(tmp_path / "run"))
    assert "batch_size: 8 does not deal evenly to 3 devices" in fail(capsys, *arguments, "--devices", "3")


def test_a_run_without_progress_ends_early(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "patient.yaml"
    still = "learning_rate: 1.0e-12\nema_decay: 0.0\npatience: 2\nunfreeze_epochs: 2\nlayer_decay: 0.8\naccumulate: 2\n"
    config.write_text(ALIKE.replace("epochs: 2", "epochs: 9") + still, encoding="utf-8")
    folder = run_training(data=data, config_path=config, out=tmp_path / "run", progress=False)
    assert len(read_figures(folder)) == 3, "the first epoch is the best there is; two more wait for a better one"
    assert is_at_end(RunFolder(folder).last_checkpoint, read_config(config)), "a resumed run would not go on either"


def test_a_network_reads_metadata_and_cannot_be_served(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "fused.yaml"
    fused = CONFIG.replace("precision: fp32", "precision: fp32\nmetadata: [age, sex, site]")
    config.write_text(fused + "augmentation: {mix_probability: 0}\n", encoding="utf-8")
    known = add_metadata(shutil.copytree(data, tmp_path / "isic"))
    folder = run_training(data=known, config_path=config, out=tmp_path / "run", progress=False)
    assert (folder / "predictions.csv").is_file()
    told = json.loads((folder / "run.json").read_text(encoding="utf-8"))["metadata_known"]
    assert told["the training images"] == {"age": 28, "sex": 28, "site": 28}
    with pytest.raises(UserError, match="a network that reads metadata cannot be served"):
        export_checkpoint(folder / "checkpoints" / "best.ckpt", tmp_path / "bundle", progress=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            ALIKE.replace("test_vit", "vit_tiny_patch16_224").replace("readings: [{size: 32,", "readings: [{size: 48,"),
            "vit_tiny_patch16_224 cannot read at 48 px",
        ),
        (
            CONFIG + "metadata: [age]\naugmentation: {mix_probability: 0}\n",
            "a network that reads metadata cannot be served; leave it out, or --no-export",
        ),
    ],
    ids=["size", "metadata"],
)
def test_what_cannot_be_served_is_refused_before_it_is_trained(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(text, encoding="utf-8")
    assert message in fail(capsys, "--data", str(data), "--config", str(config), "--out", str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_where_the_hub_cannot_be_reached_it_starts_from_scratch_and_says_so(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    wanting = replace(read_config(config), architecture="resnet18", pretrained=True)
    with pytest.warns(UserWarning, match="no weights from the hub .* training from scratch"):
        _, initialisation = start_model(wanting, None)
    assert initialisation == "scratch"


def test_what_kind_of_model_must_be_known(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "forest.yaml"
    config.write_text("kind: forest\n", encoding="utf-8")
    assert "kind is 'forest'; use svm or probe, or none for a network" in fail(
        capsys, "--data", str(data), "--config", str(config)
    )


def test_training_needs_neither_django_nor_albumentations() -> None:
    code = (
        "import sys; sys.modules['django'] = sys.modules['albumentations'] = None\n"
        "import ml.training.run, ml.build.checkpoint, ml.training.precision"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
