"""The whole road on tiny images: trained where only the training libraries are, then finished."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from safetensors import safe_open

from ml.__main__ import main
from ml.bundle.folder import load_bundle
from ml.data.split import read_split
from tests.ml.tiny_isic import write_tiny_isic

CONFIG = """
architecture: test_efficientnet
train_folds: ["0"]
choose_fold: "3"
stages: [{size: 32, epochs: 1}]
readings: [{size: 64, fractions: [0.9, 0.7]}]
cache_side: 48
batch_size: 8
precision: fp32
"""
PLAN = """
teachers: [{name: teacher, config: tiny.yaml}]
student:
  - {name: distil, config: tiny.yaml, set: {augmentation: {mix_probability: 1.0}}}
  - {name: tune_1, config: tiny.yaml, start: distil, set: {trained: classifier_and_norms, seed: 1}}
  - {name: tune_2, config: tiny.yaml, start: distil, set: {trained: classifier_and_norms, seed: 2}}
average: [tune_1, tune_2]
folds: ["0", "3", "4"]
copies: ["4"]
"""
# What a machine with a GPU need not have. The training libraries look for some of these themselves, so they come first.
ABSENT = (
    "django", "albumentations", "onnx", "onnxruntime", "onnxscript", "matplotlib", "seaborn", "skimage", "cv2",
    "pillow_heif", "optuna", "cleanlab", "tensorboard",
)  # fmt: skip
ON_A_BARE_MACHINE = f"""
import sys
import lightning, sklearn, timm, torchmetrics
for name in {ABSENT}:
    sys.modules[name] = None
from ml.__main__ import main
sys.exit(main(['best-model', *sys.argv[1:]]))
"""
CUT_OFF = "distil-all"
"""A stage that was begun once and killed before its first whole epoch."""
TEACHERS = {"teacher-without-0", "teacher-without-3", "teacher-without-4", "teacher-without-0-4", "teacher-without-3-4"}


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    place = tmp_path_factory.mktemp("best")
    data = write_tiny_isic(place / "isic", per_class={"0": 1, "3": 1, "4": 3, "test": 1, "1": 1})
    (place / "tiny.yaml").write_text(CONFIG, encoding="utf-8")
    (place / "plan.yaml").write_text(PLAN, encoding="utf-8")
    named = {"data": data, "weights": place, "out": place / "out", "plan": place / "plan.yaml"}
    return [text for name, value in named.items() for text in (f"--{name}", str(value))]


@pytest.fixture(scope="module")
def out(arguments: list[str]) -> Path:
    """Where all stages but the last have been, in a process that has only the training libraries."""
    out = Path(arguments[arguments.index("--out") + 1])
    (out / CUT_OFF).mkdir(parents=True)
    (out / CUT_OFF / "run.json").write_text("{}", encoding="utf-8")
    stages = ("data", "teacher*", "distil*", "tune*", "average*")
    command = [sys.executable, "-c", ON_A_BARE_MACHINE, *arguments, "--stage", *stages]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    lines = [line for line in ended.stdout.splitlines() if ": done in " in line]
    assert len(lines) == 1 + len(TEACHERS) + 2 * 4, "one line for each stage"
    return out


def read_told(folder: Path) -> dict[str, str]:
    with safe_open(folder / "weights.safetensors", "pt") as file:
        return dict(file.metadata())


def test_every_stage_leaves_its_weights_and_what_they_have_seen(out: Path) -> None:
    assert {path.name for path in out.glob("teacher-*")} == TEACHERS
    seen = {path.parent.name: read_told(path.parent)["folds"] for path in out.glob("*/weights.safetensors")}
    assert seen["teacher-without-0"] == "3 4"
    assert seen["teacher-without-0-4"] == "3"
    assert {seen[f"{name}-all"] for name in ("distil", "tune_1", "tune_2", "average")} == {"0 3 4"}
    assert {seen[f"{name}-without-4"] for name in ("distil", "tune_1", "tune_2", "average")} == {"0 3"}


def test_nothing_of_the_test_fold_or_of_folds_left_out_is_there(out: Path) -> None:
    folds = read_split().fold_of
    images = {path.stem for path in (out / "data" / "ISIC2018_Task3_Training_Input").iterdir()}
    assert {folds[name] for name in images} == {"0", "3", "4"}
    for path in out.glob("*/predictions.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            assert {row["fold"] for row in csv.DictReader(file)} <= {"0", "3", "4"}


def test_checkpoints_go_when_a_stage_is_finished(out: Path) -> None:
    assert not list(out.rglob("*.ckpt"))


def test_a_stage_that_was_cut_off_before_its_first_epoch_begins_anew(out: Path) -> None:
    assert json.loads((out / CUT_OFF / "run.json").read_text(encoding="utf-8"))["folds_seen"] == ["0", "3", "4"]


def test_no_stage_begins_that_may_not_end_in_time(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["best-model", *arguments, "--out", str(tmp_path / "new"), "--stage", "data", "--minutes", "7"]) == 0
    assert "data: not started, as it may take 8 minutes" in capsys.readouterr().out
    assert not (tmp_path / "new" / "data").exists()


def test_finished_stages_are_skipped(out: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in out.rglob("weights.safetensors")}
    assert main(["best-model", *arguments, "--stage", "teacher*", "average*"]) == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("weights.safetensors")} == before
    assert "teacher-without-0: already finished" in capsys.readouterr().out


def test_a_plan_that_changed_after_a_stage_is_refused(
    out: Path, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.yaml").write_text(CONFIG.replace("epochs: 1", "epochs: 3"), encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    assert main(["best-model", *arguments, "--plan", str(tmp_path / "plan.yaml"), "--stage", "teacher-without-0"]) == 2
    assert "differs from the plan; move the folder away" in capsys.readouterr().err


def test_data_prepared_for_another_plan_are_refused(
    out: Path, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(f"{PLAN}images: 21\n", encoding="utf-8")
    assert main(["best-model", *arguments, "--plan", str(tmp_path / "plan.yaml"), "--stage", "data"]) == 2
    assert "is of other images than the plan; move the folder away" in capsys.readouterr().err


def test_a_stage_says_what_it_lacks(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["best-model", *arguments, "--out", str(tmp_path / "new"), "--stage", "average-all"]) == 2
    assert "average-all: needs tune_1-all; run that stage first" in capsys.readouterr().err


def test_the_average_lies_between_its_parts(out: Path) -> None:
    parts = [read_classifier(out / f"tune_{place}-all") for place in (1, 2)]
    mean = read_classifier(out / "average-all")
    assert (parts[0] != parts[1]).any()
    assert mean == pytest.approx((parts[0] + parts[1]) / 2, abs=1e-3)


def read_classifier(folder: Path) -> npt.NDArray[np.float32]:
    with safe_open(folder / "weights.safetensors", "np") as file:
        return np.asarray(file.get_tensor("classifier.weight"), np.float32)


def test_the_last_stage_calibrates_on_images_that_no_network_asked_has_seen(out: Path, arguments: list[str]) -> None:
    assert main(["best-model", *arguments, "--stage", "finish"]) == 0
    bundle = load_bundle(out / "bundle")
    manifest = bundle.manifest
    assert "out-of-fold scores of fold 4" in manifest.calibration.how
    assert manifest.metrics["fold_4"]["images"] == 21
    assert manifest.input.size == 64
    assert [view.fraction for view in manifest.input.views] == [0.9, 0.7]
    summary = json.loads((out / "finish" / "summary.json").read_text(encoding="utf-8"))
    assert summary["bundle"] == bundle.sha256
    assert summary["out_of_fold"] == manifest.metrics["fold_4"]["metrics"]
    assert summary["fold_4"]["images"] == 21
    difference = summary["fold_4"]["figures"]["balanced_accuracy"]["difference"]
    assert difference["low"] <= difference["value"] <= difference["high"]
