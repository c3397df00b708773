"""``predict`` and ``evaluate_model`` from the command line."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from ml.bundle.folder import DEFAULT_BUNDLE, load_bundle
from ml.errors import UserError
from ml.evaluation.evaluate import evaluate_bundle, list_files_read
from ml.evaluation.fold_log import TEST_FOLD_LOG
from ml.serve.image_io import normalise_upload
from ml.serve.predictor import Predictor
from ml.taxonomy import CLASSES
from tests.classifier.conftest import draw_lesion
from tests.ml import pictures

MANAGE = Path(__file__).parents[3] / "manage.py"
SAMPLES = Path(__file__).parents[3] / "classifier" / "samples" / "photographs"


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as a person runs it, in its own process."""
    command = [sys.executable, str(MANAGE), *(str(each) for each in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images and their labels."""
    (tmp_path / "one.jpg").write_bytes(draw_lesion())
    (tmp_path / "two.png").write_bytes(pictures.transparent_png())
    with (tmp_path / "truth.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", *CLASSES), ("one", *np.eye(7)[0]), ("two", *np.eye(7)[1])])
    return tmp_path


def test_predict_prints_a_line_for_each_photograph(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("predict", folder / "one.jpg", folder / "two.png")
    lines = capsys.readouterr().out.splitlines()
    assert [Path(line.split()[0]).name for line in lines] == ["one.jpg", "two.png"]
    assert all(f"{code} 0." in lines[0] for code in CLASSES)


def test_predict_as_json_gives_the_logits_of_the_predictor(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("predict", folder / "one.jpg", "--json")
    (printed,) = json.loads(capsys.readouterr().out)
    stored = normalise_upload((folder / "one.jpg").read_bytes()).data
    reading = Predictor(load_bundle(DEFAULT_BUNDLE)).read(stored)
    assert printed["logits"] == reading.logits.tolist()
    assert printed["outcome"] == reading.outcome


def test_predict_escapes_a_name_that_is_not_utf8_and_reads_what_follows(folder: Path) -> None:
    strange = folder / os.fsdecode("фото.jpg".encode("cp866"))
    shutil.copy(folder / "one.jpg", strange)
    done = run("predict", strange, folder / "one.jpg", PYTHONIOENCODING="utf-8:strict")
    strange.unlink()
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert "\\udc" in done.stdout.splitlines()[0]


def test_predict_names_each_bad_file_reads_the_others_and_exits_with_1(folder: Path) -> None:
    (folder / "bad.jpg").write_bytes(pictures.jpeg()[:2000])
    done = run("predict", folder / "bad.jpg", folder / "one.jpg", folder / "gone.jpg")
    assert done.returncode == 1
    assert done.stdout.startswith(str(folder / "one.jpg"))
    problems = [line for line in done.stderr.splitlines() if str(folder) in line]
    assert len(problems) == 2
    assert "damaged" in problems[0]
    assert "No such file" in problems[1]
    assert "Traceback" not in done.stderr


def test_predict_reads_a_folder_and_all_below_it_and_counts_what_is_no_image(folder: Path) -> None:
    (folder / "visit.2" / "left").mkdir(parents=True)
    (folder / "visit.2" / "left" / "THREE.JPEG").write_bytes(draw_lesion(seed=3))
    (folder / "visit.2" / "bad.png").write_bytes(b"not a picture")
    (folder / "visit.2" / "._one.jpg").write_bytes(b"Mac OS X")
    (folder / ".trash").mkdir()
    (folder / ".trash" / "old.jpg").write_bytes(draw_lesion())
    done = run("predict", folder, folder / "one.jpg")
    assert done.returncode == 1
    read = [str(Path(line.split("  ")[0]).relative_to(folder)) for line in done.stdout.splitlines()]
    assert read == ["one.jpg", "two.png", "visit.2/left/THREE.JPEG"]
    assert "2 files are no image by name" in done.stderr  # truth.csv and ._one.jpg
    assert str(folder / "visit.2" / "bad.png") in done.stderr
    assert "Traceback" not in done.stderr


def test_predict_of_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see")
    with pytest.raises(CommandError, match="give image files or a folder of them") as caught:
        call_command("predict", tmp_path)
    assert caught.value.returncode == 2


def test_evaluate_model_prints_and_writes_what_it_found(folder: Path) -> None:
    done = run(
        "evaluate_model", "--images", folder, "--truth", folder / "truth.csv",
        "--predictions", folder / "scores.csv", "--json", folder / "report.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "balanced accuracy" in done.stdout
    assert "2/2" in done.stderr
    report = json.loads((folder / "report.json").read_text())
    assert report["images"] == 2
    assert report["metrics"]["balanced_accuracy"]["value"] in {0.0, 0.5, 1.0}
    with (folder / "scores.csv").open() as file:
        assert [row["image"] for row in csv.DictReader(file)] == ["one", "two"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--bundle", "nowhere"], "No bundle at nowhere"),
        (["--truth", "nowhere.csv"], "nowhere.csv"),
        (["--images", "nowhere"], "nowhere: no such directory"),
        (["--fold", "3"], "no image of fold 3"),
        (["--json", "/nowhere/report.json"], "/nowhere/report.json"),
        (["--predictions", "/nowhere/scores.csv"], "/nowhere/scores.csv"),
    ],
)
def test_evaluate_model_tells_bad_input_in_one_line(folder: Path, options: list[str], told: str) -> None:
    arguments = ["--images", str(folder), "--truth", str(folder / "truth.csv"), *options]
    with pytest.raises(CommandError, match=told) as caught:
        call_command("evaluate_model", *arguments)
    assert caught.value.returncode == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", ["--predictions", "--json"])
@pytest.mark.parametrize("read", ["truth.csv", "lesions.csv", "one.jpg", "link.csv", "bundle/manifest.json"])
def test_evaluate_model_writes_nothing_over_what_it_reads(folder: Path, option: str, read: str) -> None:
    (folder / "lesions.csv").write_text("image,lesion_id\none,a\ntwo,b\n", encoding="utf-8")
    (folder / "link.csv").symlink_to(folder / "truth.csv")
    shutil.copytree(DEFAULT_BUNDLE, folder / "bundle")
    before = (folder / read).read_bytes()
    with pytest.raises(CommandError, match=f"{read}: is read here, and would be written over") as caught:
        call_command(
            "evaluate_model", "--images", folder, "--truth", folder / "truth.csv", "--lesions", folder / "lesions.csv",
            "--bundle", folder / "bundle", option, folder / read,
        )  # fmt: skip
    assert caught.value.returncode == 2
    assert (folder / read).read_bytes() == before


@pytest.mark.parametrize("option", ["--predictions", "--json"])
def test_evaluate_model_writes_nothing_over_the_lesions_that_it_finds(folder: Path, option: str) -> None:
    shutil.copy(folder / "truth.csv", folder / "Set_GroundTruth.csv")
    lesions = folder / "Set_LesionGroupings.csv"
    lesions.write_text("image,lesion_id\none,a\ntwo,b\n", encoding="utf-8")
    with pytest.raises(CommandError, match=f"{lesions}: is read here, and would be written over"):
        call_command(
            "evaluate_model", "--images", folder, "--truth", folder / "Set_GroundTruth.csv", option, lesions
        )  # fmt: skip
    assert lesions.read_text(encoding="utf-8") == "image,lesion_id\none,a\ntwo,b\n"


def test_the_log_of_the_test_fold_is_not_written_over(folder: Path) -> None:
    log = folder / "log.csv"
    log.write_text("kept\n", encoding="utf-8")
    bundle, truth = load_bundle(DEFAULT_BUNDLE), folder / "truth.csv"
    assert TEST_FOLD_LOG in list_files_read(bundle, folder, truth, None)
    with pytest.raises(UserError, match=r"log\.csv: is read here, and would be written over"):
        evaluate_bundle(bundle, folder, truth, predictions_csv=log, log=log)
    assert log.read_text(encoding="utf-8") == "kept\n"


@pytest.mark.parametrize(("arguments", "code"), [(["predict"], 1), (["evaluate_model", "--images", ".", "--truth"], 2)])
def test_a_pipe_is_told_and_not_waited_for(tmp_path: Path, arguments: list[str], code: int) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, str(MANAGE), *arguments, str(pipe)]
    done = subprocess.run(command, check=False, cwd=SAMPLES, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    assert f"{pipe}: is a pipe or a device, not a file" in done.stderr
    assert "Traceback" not in done.stderr


def test_evaluate_model_does_not_write_two_things_into_one_file(folder: Path) -> None:
    with pytest.raises(CommandError, match="cannot take both --json and --predictions"):
        call_command(
            "evaluate_model", "--images", folder, "--truth", folder / "truth.csv",
            "--json", folder / "out", "--predictions", folder / "out",
        )  # fmt: skip


@pytest.mark.parametrize("command", ["predict", "evaluate_model"])
def test_help_tells_what_the_command_does(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert "--bundle" in done.stdout
