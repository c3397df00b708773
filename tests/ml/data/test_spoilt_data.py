"""Every research command on data that cannot be read: exit code 2, one line that tells, nothing written over."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.data.cache import AT_ONCE
from tests.ml.spoilt_isic import UNREADABLE, add_metadata, spoil
from tests.ml.tiny_isic import TINY_RUN, write_tiny_isic

SVM = """
kind: svm
features: {kind: handcrafted}
grid: [{kernel: linear, costs: [1]}]
train_folds: ["0", "1"]
"""
SPACE = "{metric: nll, keys: {learning_rate: {kind: float, low: 0.001, high: 0.1}}}"
PLAN = """
questions:
  - {key: one, tier: 1, title: One, ask: "?", entries: [{name: vector, label: SVM, config: svm.yaml}]}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whole data of more images than one process decodes, and the files that commands ask for."""
    place = tmp_path_factory.mktemp("place")
    add_metadata(write_tiny_isic(place / "isic", per_class={"0": 9, "1": 4, "3": 5, "4": 2}))
    assert len(list((place / "isic").glob("*_Input/*"))) > AT_ONCE
    for name, content in (("network", TINY_RUN), ("svm", SVM), ("space", SPACE), ("plan", PLAN)):
        (place / f"{name}.yaml").write_text(content, encoding="utf-8")
    return place


Arguments = Callable[[Path, Path, Path], list[object]]
COMMANDS: dict[str, Arguments] = {
    "train": lambda p, d, o: ["--data", d, "--config", p / "network.yaml", "--out", o, "--no-export"],
    "train, svm": lambda p, d, o: ["--data", d, "--config", p / "svm.yaml", "--out", o / "svm"],
    "tune": lambda p, d, o: ["--data", d, "--config", p / "network.yaml", "--space", p / "space.yaml", "--out", o],
    "eda": lambda _, d, o: ["--data", d, "--out", o],
    "prepare": lambda _, d, o: ["--source", d, "--out", o, "--no-embeddings"],
    "errors": lambda _, d, o: ["--data", d, "--out", o, "--cache", o / "cache"],
    "study": lambda p, d, o: ["--data", d, "--plan", p / "plan.yaml", "--out", o],
    "best-model": lambda _, d, o: ["--data", d, "--weights", d, "--out", o, "--proof", "--stage", "data"],
    "remeasure": lambda _, d, __: ["--data", d],
}


def refuse(command: str, place: Path, data: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The last line that a command says; before it there are bars, and a notice of what gives no bundle."""
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert main([command.split(",", maxsplit=1)[0], *(str(each) for each in COMMANDS[command](place, data, out))]) == 2
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert said.out in {"", "stage 1 of 1, data: started\n"}
    lines = [line for line in said.err.replace("\r", "\n").splitlines() if line.strip() and "|" not in line]
    if command == "train, svm":
        assert "cannot be served" in lines.pop(0)
    assert len(lines) == 1, lines
    assert {path: path.read_bytes() for path in before} == before
    return lines[0]


@pytest.mark.parametrize("way", UNREADABLE)
@pytest.mark.parametrize("command", COMMANDS)
def test_unreadable_data_are_told_in_one_line(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, way: str
) -> None:
    data = spoil(place / "isic", tmp_path / "spoilt", UNREADABLE[way][0])
    told = refuse(command, place, data, tmp_path / "out", capsys)
    assert told.startswith("error: ")
    # What prepares data names the image first, and says how to leave it out.
    assert re.search(UNREADABLE[way][1], told) or (command == "prepare" and "--keep-going" in told), told


@pytest.mark.parametrize("command", ["train", "train, svm", "tune", "prepare"])
def test_an_image_that_is_cut_off_is_named(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    data = shutil.copytree(place / "isic", tmp_path / "spoilt")
    for path in data.glob("*_Input/*"):
        path.write_bytes(path.read_bytes()[:2000])
    assert "The image file is cut off or damaged" in refuse(command, place, data, tmp_path / "out", capsys)
