"""What the documents promise for ``requirements/base.txt`` alone works with it alone."""

import csv
import json
import os
import subprocess
import venv
from pathlib import Path

import pytest

from ml.taxonomy import CLASSES
from ml.verbs.table import VERBS
from ml.verbs.verb import Needs
from tests.ml import pictures

PROJECT = Path(__file__).parents[1]
COMMANDS = sorted(
    path.stem
    for folder in ("classifier", "skinsite", "skinsite/accounts", "skinsite/audit")
    for path in (PROJECT / folder / "management" / "commands").glob("[!_]*.py")
)
SAMPLE = min((PROJECT / "classifier" / "samples" / "photographs").glob("*.jpg"))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the base requirements and nothing else."""
    folder = tmp_path_factory.mktemp("base")
    venv.create(folder, with_pip=True)
    pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--requirement", PROJECT / "requirements" / "base.txt"], check=True)
    return folder / "bin" / "python"


def manage(python: Path, scratch: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [python, PROJECT / "manage.py", *(str(each) for each in arguments)],
        env={**environment, "SKINSITE_VAR": str(scratch)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_base_install_helps_reads_and_evaluates(python: Path, tmp_path: Path) -> None:
    assert len(COMMANDS) > 15
    helped = {name: manage(python, tmp_path, name, "--help") for name in COMMANDS}
    assert {name: done.stderr for name, done in helped.items() if done.returncode} == {}

    read = manage(python, tmp_path, "predict", SAMPLE, "--json")
    assert read.returncode == 0, read.stderr
    assert sum(json.loads(read.stdout)[0]["probabilities"].values()) == pytest.approx(1)

    images, truth, report = tmp_path / "images", tmp_path / "truth.csv", tmp_path / "report.json"
    images.mkdir()
    names = [f"drawn_{number}" for number in range(5)]
    for number, name in enumerate(names):
        pictures.draw_lesion(400 + 40 * number, 300).save(images / f"{name}.png")
    with truth.open("w", newline="", encoding="utf-8") as file:
        rows = ((name, *(float(code == "NV") for code in CLASSES)) for name in names)
        csv.writer(file).writerows([("image", *CLASSES), *rows])
    arguments = ("--images", images, "--truth", truth, "--json", report)
    measured = manage(python, tmp_path, "evaluate_model", *arguments)
    assert measured.returncode == 0, measured.stderr
    assert json.loads(report.read_text(encoding="utf-8"))["images"] == len(names)


def ml(python: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "ml", *(str(each) for each in arguments)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def test_the_base_install_helps_with_every_research_command(python: Path) -> None:
    assert len(VERBS) > 20
    helped = {name: ml(python, name, "--help") for name in VERBS}
    assert {name: done.stderr for name, done in helped.items() if done.returncode} == {}
    assert "base.txt" in ml(python, "--help").stdout


@pytest.mark.parametrize("name", [verb.name for verb in VERBS.values() if verb.needs is Needs.BASE])
def test_what_the_table_promises_for_the_base_install_can_be_imported(python: Path, name: str) -> None:
    module = VERBS[name].work.partition(":")[0]
    done = subprocess.run([python, "-c", f"import {module}"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_base_install_says_what_more_a_research_command_needs(python: Path, tmp_path: Path) -> None:
    done = manage(python, tmp_path, "train_model", "--data", tmp_path)
    assert done.returncode == 2
    assert "pip install -r requirements/ml.txt" in done.stderr
    assert "Traceback" not in done.stderr
