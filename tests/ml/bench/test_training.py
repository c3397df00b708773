"""The benchmark of the training loop measures what it says."""

import json
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.bench import loop, training
from ml.bench.loop import Moment, describe_steps, split_step, spread_records
from ml.bench.timm_script import Way, check_script, link_images, list_command, read_speed
from ml.data.isic import read_isic
from ml.errors import UserError
from ml.taxonomy import CLASSES
from ml.training.config import read_config
from tests.ml.tiny_isic import TINY_RUN, write_tiny_isic

# As timm 1.0.31 logs steps of 8 images: three of them, the first slow.
LOG = """
Train: 0 [ 0/3]  Loss:  1.95 ( 1.95)  Time: 4.000s,    2.00/s  (4.000s,    2.00/s)  LR: 1.000e-03  Data: 2.000 (2.000)
Train: 0 [ 1/3]  Loss:  1.94 ( 1.95)  Time: 0.100s,   80.00/s  (2.050s,    3.90/s)  LR: 1.000e-03  Data: 0.016 (1.008)
Train: 0 [ 2/3]  Loss:  1.94 ( 1.95)  Time: 0.200s,   40.00/s  (1.433s,    5.58/s)  LR: 1.000e-03  Data: 0.032 (0.683)
"""
STAMPS = ("3.0000", "3.0800", "3.2400")
STAMPED = "\n".join(
    f"{line}  processor {stamp} s" for line, stamp in zip(LOG.strip().splitlines(), STAMPS, strict=True)
)
SCRIPT = '''""" ImageNet Training Script """
# from timm; def train_one_epoch(; --train-split
import logging
logging.basicConfig()
for line in {log!r}.strip().splitlines():
    logging.warning(line)
'''


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("data") / "isic", per_class={"0": 4, "3": 1})


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(TINY_RUN, encoding="utf-8")
    return path


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """What looks like timm's script and says what it would."""
    path = tmp_path / "train.py"
    path.write_text(SCRIPT.format(log=LOG), encoding="utf-8")
    return path


def test_a_step_lasts_from_end_to_end_and_its_input_to_the_forward_pass() -> None:
    ends = [Moment(10, 1), Moment(12, 2), Moment(16, 4), Moment(18, 6)]
    forwards = [Moment(9, 0.5), Moment(10.5, 1.5), Moment(13, 2.25), Moment(17, 4.25)]
    losses = [Moment(9, 0.5), Moment(11, 1.75), Moment(14, 3.25), Moment(17.5, 5.25)]
    # After two steps of warm-up: steps of 4 and 2 s, input 1 and 1 s, processor 2 and 2 s; 4 images each.
    found = describe_steps(ends, forwards, losses, warm_up=2, batch_size=4)
    assert (found["step"], found["input"], found["processor"]) == (750, 250, 500)
    assert (found["parts: step"], found["parts: input"], found["parts: forward"]) == (500, 62.5, 250)


def test_the_parts_of_a_step_add_up_to_it() -> None:
    durations = {
        "[_TrainingEpochLoop].train_dataloader_next": [9.0, 0.1],
        "[Strategy]SingleDeviceStrategy.training_step": [9.0, 0.4],
        "[Strategy]SingleDeviceStrategy.backward": [9.0, 0.3],
        "[LightningModule]TimedModule.optimizer_step": [9.0, 0.8],
        "[LightningModule]TimedModule.on_train_batch_end": [9.0, 0.05],
    }
    parts = split_step(
        durations, {"parts: step": 1000.0, "parts: input": 250.0, "parts: forward": 245.0}, warm_up=1, batch_size=1
    )
    assert sum(parts.values()) == pytest.approx(1000)
    assert parts == pytest.approx(
        {
            "reading from the cache": 100,
            "altering, mixing, normalising": 150,
            "forward and loss": 245,
            "backward": 300,
            "clipping and update": 100,
            "moving average": 50,
            "everything else": 55,
        }
    )


def test_timms_log_is_read_after_the_warm_up() -> None:
    found = read_speed(STAMPED, warm_up=1, batch_size=8)
    assert found == pytest.approx({"step": (12.5 + 25) / 2, "input": (2 + 4) / 2, "processor": (10 + 20) / 2})
    with pytest.raises(UserError, match="printed no speed; its last line: CUDA"):
        read_speed("Train\nCUDA is not there\n", warm_up=1, batch_size=8)


def test_more_images_than_there_are_come_again(data: Path) -> None:
    records = read_isic(data).records
    assert len(spread_records(records, 100)) == 100
    assert {record.image_id for record in spread_records(records, 100)} == {record.image_id for record in records}
    assert len({record.image_id for record in spread_records(records, 10)}) == 10


def test_timm_gets_the_same_work(data: Path, config: Path, tmp_path: Path) -> None:
    command = list_command(
        Path("train.py"),
        read_config(config),
        Way("bf16", 2),
        images=tmp_path / "images",
        out=tmp_path / "out",
        device="cpu",
    )
    said = " ".join(command)
    for expected in (
        "--model test_efficientnet",
        "--input-size 3 32 32",
        "--batch-size 8",
        "--clip-grad 5.0",
        "--drop 0.2",
        "--drop-path 0.1",
        "--model-ema-decay 0.999",
        "--mixup 0.2",
        "--cutmix 1.0",
        "--mixup-prob 0.5",
        "--workers 2",
        "--channels-last",
        "--amp --amp-dtype bfloat16",
    ):
        assert expected in said
    assert "--torchcompile" not in said


def test_timm_finds_its_images_by_class(data: Path, tmp_path: Path) -> None:
    records = read_isic(data).records
    directory = link_images(records, tmp_path / "linked")
    assert sorted(path.name for path in (directory / "train").iterdir()) == sorted(CLASSES)
    links = list(directory.glob("train/*/*"))
    assert len(links) == len(records)
    assert all(link.resolve().is_file() for link in links)


def test_what_is_not_timms_script_is_refused_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.py: cannot be read; get timm .* from https://"):
        check_script(tmp_path / "none.py")
    (tmp_path / "other.py").write_text("print()", encoding="utf-8")
    with pytest.raises(UserError, match=r"other\.py: is not timm's train\.py"):
        check_script(tmp_path / "other.py")


@pytest.mark.parametrize("mode", ["steps", "parts", "memory"])
def test_our_loop_is_measured(
    mode: str, data: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--data", data, "--config", config, "--cache", tmp_path, "--images", 31, "--warm-up", 1, "--mode", mode)
    assert loop.main([str(option) for option in options]) == 0
    found = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    if mode == "memory":
        assert found["own"] > 1e8, "torch alone takes more"
        assert found["own"] <= found["both"] <= found["own"] + found["files"]
    elif mode == "steps":
        assert 0 < found["input"] < found["step"]
        assert found["processor"] > 0
    else:
        assert {"decoding", "forward and loss", "backward"} < set(found)
        assert all(found[name] > 0 for name in ("decoding", "forward and loss", "backward", "clipping and update"))


def test_the_loops_take_turns_and_every_figure_is_written(
    data: Path, config: Path, script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found.json"
    arguments = ("--data", data, "--timm-train", script, "--config", config, "--size", 32, "--json", out)
    counts = ("--steps", 2, "--warm-up", 1, "--turns", 1, "--only", "alike")
    assert main(["bench-training", *(str(word) for word in (*arguments, *counts))]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert set(found) == {"machine", "alike"}
    alike = found["alike"]
    assert alike["images_a_second"]["timm"] == pytest.approx(1000 / 18.75)
    assert alike["ratio"] == pytest.approx(18.75 / alike["turns"]["ours"][0]["step"])
    printed = capsys.readouterr().out
    assert "-m ml.bench.loop --data" in printed
    assert f"-m ml.bench.timm_script {script} --data-dir" in printed


def test_the_fastest_way_is_taken(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {"fp32": 3.0, "bf16": 2.0}
    monkeypatch.setattr(training, "run_ours", lambda _, way: {"step": taken[way.precision] + (1 if way.workers else 0)})
    bench = training.Bench(tmp_path, read_config(config), None, tmp_path, steps=1, warm_up=1, turns=1)
    way = training.find_fastest(bench, "ours")
    assert (way.precision, way.workers) == ("bf16", 0)


def test_a_loop_that_fails_is_told_in_one_line(
    data: Path, config: Path, script: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script.write_text(script.read_text(encoding="utf-8") + "\nraise SystemExit('no such model')", encoding="utf-8")
    monkeypatch.setattr(training, "run_ours", lambda *_: {"step": 1.0, "input": 0.5, "processor": 1.0})
    arguments = ("--data", str(data), "--timm-train", str(script), "--config", str(config), "--only", "alike")
    assert main(["bench-training", *arguments, "--size", "32", "--steps", "2", "--warm-up", "1", "--turns", "1"]) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].endswith("failed: no such model")


def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench-training", "--data", "/nowhere", "--turns", "0"]) == 2
    assert "must be at least 1" in capsys.readouterr().err
