"""Tuning studies on tiny images: drawn, pruned, killed, resumed, reported."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
from safetensors.torch import save_file

from ml.__main__ import main
from ml.data.cache import AT_ONCE
from ml.errors import UserError
from ml.networks.backbone import create_backbone
from ml.pipelines.tuning.report import write_report
from ml.pipelines.tuning.run import tune
from ml.pipelines.tuning.search_space import Choice, Range, SearchSpace, read_space, replace_keys
from ml.training.config import TrainingConfig, read_config
from tests.ml.tiny_isic import TINY_RUN, write_tiny_isic

CONFIG = TINY_RUN.replace("epochs: 1", "epochs: 2")
SPACE = """
metric: nll
keys:
  learning_rate: {kind: float, low: 0.0001, high: 0.1, log: true}
  batch_size: {kind: categorical, choices: [4, 8]}
  augmentation.mix_probability: {kind: float, low: 0, high: 1}
"""
PATIENCE = 600  # s; a busy machine starts a process in minutes
SPACES = sorted((Path(__file__).parents[4] / "ml" / "configs" / "spaces").glob("*.yaml"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("data") / "isic", per_class={"0": 3, "3": 2})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of ``config.yaml`` and ``space.yaml``."""
    directory = tmp_path_factory.mktemp("inputs")
    (directory / "config.yaml").write_text(CONFIG, encoding="utf-8")
    (directory / "space.yaml").write_text(SPACE, encoding="utf-8")
    return directory


def list_command(data: Path, inputs: Path, out: Path, trials: int, *more: str) -> list[str]:
    options = {"--data": data, "--config": inputs / "config.yaml", "--space": inputs / "space.yaml", "--out": out}
    named = [str(word) for option in options.items() for word in option]
    return [sys.executable, "-m", "ml", "tune", *named, "--trials", str(trials), *more]


def read_trials(folder: Path) -> list[dict[str, object]]:
    """The report's trials without their times."""
    content = json.loads((folder / "tuning.json").read_text(encoding="utf-8"))
    return [{key: value for key, value in trial.items() if key != "minutes"} for trial in content["trials"]]


@pytest.fixture(scope="module")
def finished(data: Path, inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted study of three trials."""
    out = tmp_path_factory.mktemp("tuning") / "whole"
    return start(data, inputs, out)


def start(data: Path, inputs: Path, out: Path, *, trials: int = 3, resume: bool = False) -> Path:
    config, space = inputs / "config.yaml", inputs / "space.yaml"
    return tune(data=data, config_path=config, space_path=space, out=out, trials=trials, resume=resume)


def test_a_study_shows_a_bar_and_a_line_for_every_trial(
    data: Path, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start(data, inputs, tmp_path / "study", trials=1)
    said = capsys.readouterr().err
    assert "Tuning: " in said
    assert "2/2" in said
    assert [line for line in said.splitlines() if line.startswith("trial 0: nll ") and "the best so far" in line]


def test_trial_0_is_the_base_configuration(finished: Path, inputs: Path) -> None:
    assert read_config(finished / "trial-00.yaml") == read_config(inputs / "config.yaml")
    assert read_trials(finished)[0]["keys"] == {
        "learning_rate": 0.001,
        "batch_size": 8,
        "augmentation.mix_probability": 0.5,
    }


def test_trials_stay_within_the_space_and_differ(finished: Path) -> None:
    configs = [read_config(finished / f"trial-0{place}.yaml") for place in range(3)]
    assert len({config.learning_rate for config in configs}) == 3
    assert all(1e-4 <= config.learning_rate <= 0.1 and config.batch_size in (4, 8) for config in configs)


def test_the_report_has_every_epoch_and_the_best_trial(finished: Path) -> None:
    content = json.loads((finished / "tuning.json").read_text(encoding="utf-8"))
    values = [trial["value"] for trial in content["trials"]]
    assert (content["metric"], content["fold"], content["complete"], content["pruned"]) == ("nll", "3", 3, 0)
    assert content["best"] == values.index(min(values))
    assert [list(trial["epochs"]) for trial in content["trials"]] == [["1", "2"]] * 3
    assert values[0] == content["trials"][0]["epochs"]["2"]
    assert "too few" in (finished / "importance.svg").read_text(encoding="utf-8")
    assert "best so far" in (finished / "history.svg").read_text(encoding="utf-8")


def test_no_checkpoint_and_no_bundle_stays(finished: Path) -> None:
    assert not list(finished.glob("trial-*/checkpoints"))
    assert not list(finished.glob("trial-*/bundle"))


def test_a_killed_study_resumes_to_the_trials_of_an_uninterrupted_one(
    finished: Path, data: Path, inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "resumed"
    command = list_command(data, inputs, out, 3)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + PATIENCE
    while not (out / "trial-01" / "checkpoints" / "last.ckpt").is_file():  # in the middle of the second trial
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)
    process.communicate()
    assert not (out / "tuning.json").exists()
    assert read_trials(start(data, inputs, out, resume=True)) == read_trials(finished)


def test_a_finished_study_is_not_trained_further(finished: Path, data: Path, inputs: Path) -> None:
    before = (finished / "tuning.json").read_bytes()
    start(data, inputs, finished, resume=True)
    assert (finished / "tuning.json").read_bytes() == before


def test_what_training_refuses_ends_the_study_in_one_line(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--data", tmp_path / "none", "--config", inputs / "config.yaml", "--space", inputs / "space.yaml")
    assert main(["tune", *(str(word) for word in (*arguments, "--out", tmp_path / "study"))]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"error: {tmp_path / 'none'}: no such directory")


def test_a_poor_trial_is_pruned(
    data: Path, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ml.pipelines.tuning.run.UNPRUNED_TRIALS", 1)
    space = tmp_path / "space.yaml"
    space.write_text(
        "{metric: nll, keys: {learning_rate: {kind: categorical, choices: [0.001, 30.0]}}}", encoding="utf-8"
    )
    out = tune(data=data, config_path=inputs / "config.yaml", space_path=space, trials=4, out=tmp_path / "study")
    trials = read_trials(out)
    pruned = [trial for trial in trials if trial["state"] == "pruned"]
    assert pruned
    assert all(trial["keys"] == {"learning_rate": 30.0} and trial["value"] is None for trial in pruned)
    assert "pruned after epoch 1" in capsys.readouterr().err


def fail(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """What the command says when it refuses, in one line."""
    assert main(["tune", *(str(argument) for argument in arguments)]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def test_a_used_folder_is_not_overwritten_and_an_empty_one_not_resumed(
    finished: Path, data: Path, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--data", data, "--config", inputs / "config.yaml", "--space", inputs / "space.yaml", "--out")
    assert "contains a study already" in fail(capsys, *arguments, finished)
    assert "no study to resume" in fail(capsys, *arguments, tmp_path / "new", "--resume")
    (tmp_path / "study.sqlite3").write_bytes(b"nothing" * 100)
    for name in ("config.yaml", "space.yaml"):
        (tmp_path / name).write_text((inputs / name).read_text(encoding="utf-8"), encoding="utf-8")
    assert "study.sqlite3: cannot be used" in fail(capsys, *arguments, tmp_path, "--resume")


def test_a_study_goes_on_only_with_the_data_and_weights_that_it_began_with(
    finished: Path, data: Path, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--config", inputs / "config.yaml", "--space", inputs / "space.yaml", "--out", finished, "--resume")
    other = write_tiny_isic(tmp_path / "other", per_class={"0": 3, "3": 3})
    assert main(["tune", *(str(word) for word in (*arguments, "--data", other))]) == 2
    assert "the study began with other data" in capsys.readouterr().err.splitlines()[-1]
    weights = tmp_path / "weights.safetensors"
    save_file(create_backbone("test_efficientnet").state_dict(), weights)
    assert main(["tune", *(str(word) for word in (*arguments, "--data", data, "--weights", weights))]) == 2
    assert "the study began with other weights" in capsys.readouterr().err.splitlines()[-1]


def test_a_study_of_more_images_than_one_process_decodes_ends_well_in_any_folder(inputs: Path, tmp_path: Path) -> None:
    data = write_tiny_isic(tmp_path / "isic", per_class={"0": 12, "3": 8})
    assert len(list(data.glob("*_Input/*"))) > AT_ONCE
    out = tmp_path / "what?now 50%20 #1"
    start(data, inputs, out, trials=1)
    assert len(read_trials(out)) == 1
    assert (out / "study.sqlite3").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["isic", out.name]


def test_a_study_whose_trials_diverge_goes_on(inputs: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG + "learning_rate: 1.0e+30\nclip: 1.0e+30\n", encoding="utf-8")
    (tmp_path / "space.yaml").write_text(
        "{metric: nll, keys: {learning_rate: {kind: categorical, choices: [1.0e+30]}}}", encoding="utf-8"
    )
    out = start(data, tmp_path, tmp_path / "study", trials=2)
    assert [(trial["state"], trial["value"]) for trial in read_trials(out)] == [("pruned", None)] * 2


def test_another_space_does_not_go_on_with_the_study(
    finished: Path, data: Path, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "space.yaml"
    other.write_text(SPACE.replace("0.1", "0.2"), encoding="utf-8")
    arguments = ("--data", data, "--config", inputs / "config.yaml", "--space", other, "--out", finished)
    assert "another configuration or space" in fail(capsys, *arguments, "--resume")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("metric: nll", "metrik: nll"), "unknown key metrik; known are keys, metric"),
        (("metric: nll", "metric: loss"), "metric: is 'loss'; use balanced_accuracy or malignancy_auc or nll"),
        (("learning_rate:", "learnin_rate:"), "the configuration has no key learnin_rate; known are architecture, "),
        (("augmentation.mix_", "augmentation.mix."), "the configuration has no key augmentation.mix.probability"),
        (("low: 0.0001, high: 0.1,", "low: 0.1, high: 0.0001,"), "keys.learning_rate: low must be less than high"),
        (("low: 0.0001", "low: 0"), "keys.learning_rate: low must be less than high, and with log more than 0"),
        (("low: 0.0001", "low: 0.01"), "keys.learning_rate: does not hold 0.001, the configuration's own value"),
        (("log: true", "logarithm: true"), "unknown key keys.learning_rate.logarithm"),
        (
            ("kind: float, low: 0.0001", "kind: number, low: 0.0001"),
            "keys.learning_rate: has kind: number; use float or int or categorical",
        ),
        (("kind: categorical", "kind: float"), "unknown key keys.batch_size.choices"),
        (("choices: [4, 8]", "choices: [7, 8]"), "keys.batch_size: 7 is not possible (batch_size: is 7; must be a"),
        (
            ("choices: [4, 8]", "choices: [[4], 8]"),
            "keys.batch_size.choices[0]: is [4]; must be of type bool or int or",
        ),
        (("choices: [4, 8]", "choices: [4, 8], low: 1"), "unknown key keys.batch_size.low"),
    ],
)
def test_a_wrong_space_is_refused_before_the_first_trial(
    change: tuple[str, str], message: str, inputs: Path, tmp_path: Path
) -> None:
    path = tmp_path / "space.yaml"
    assert change[0] in SPACE
    path.write_text(SPACE.replace(*change), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_space(path, read_config(inputs / "config.yaml"))
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


def test_nested_keys_are_replaced(inputs: Path) -> None:
    plain = replace_keys(read_config(inputs / "config.yaml"), {"augmentation.mix_probability": 0.1, "dropout": 0.3})
    assert (plain["augmentation"]["mix_probability"], plain["dropout"]) == (0.1, 0.3)


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_every_space_of_the_project_fits_its_base(path: Path) -> None:
    base = read_config(path.parents[1] / f"tune_{path.stem}.yaml")
    assert (base.train_folds, base.choose_fold) == (("0", "1", "2"), "3")
    assert read_space(path, base).keys


@pytest.fixture
def base(inputs: Path) -> TrainingConfig:
    return read_config(inputs / "config.yaml")


def test_the_key_that_matters_is_found_and_drawn(base: TrainingConfig, tmp_path: Path) -> None:
    space = SearchSpace({"dropout": Range("float", 0, 1), "seed": Choice("categorical", (1, 2))})
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(12):
        trial = study.ask()
        drawn = space.draw(trial)
        trial.report(float(drawn["dropout"]) / 2, 1)
        study.tell(trial, float(drawn["dropout"]))
    write_report(study.trials, base, space, tmp_path)
    content = json.loads((tmp_path / "tuning.json").read_text(encoding="utf-8"))
    assert list(content["importance"]) == ["dropout", "seed"]
    assert content["importance"]["dropout"] > 0.9
    assert content["trials"][content["best"]]["value"] == max(trial["value"] for trial in content["trials"])
    first = [(tmp_path / name).read_bytes() for name in ("history.svg", "importance.svg")]
    write_report(study.trials, base, space, tmp_path)
    assert [(tmp_path / name).read_bytes() for name in ("history.svg", "importance.svg")] == first
