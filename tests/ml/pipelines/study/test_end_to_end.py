"""A tiny study from files to the document: prepare, explore, train two models, tune, compare, report the errors."""

import json
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.reports.study import experiments
from tests.ml.tiny_isic import write_tiny_isic

NETWORK = """
architecture: test_efficientnet
train_folds: ["0", "1"]
choose_fold: "3"
stages: [{size: 32, epochs: 1}]
readings: [{size: 32, fractions: [0.8]}]
cache_side: 32
batch_size: 8
precision: fp32
"""
SVM = """
kind: svm
features: {kind: handcrafted}
grid: [{kernel: linear, costs: [0.1, 1]}]
train_folds: ["0", "1"]
"""
PLAN = """
questions:
  - key: pretrained
    tier: 1
    title: Networks
    ask: Does a network see more than an SVM?
    baseline: vector
    entries:
      - {name: vector, label: SVM, config: svm.yaml}
      - {name: network, label: Network, config: network.yaml, set: {seed: 3}}
      - {name: broken, label: Broken, config: network.yaml, weights: none.safetensors}
"""
SPACE = """
metric: nll
keys:
  learning_rate: {kind: float, low: 0.0001, high: 0.1, log: true}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw images and the study's files."""
    place = tmp_path_factory.mktemp("study")
    write_tiny_isic(place / "raw", per_class={"0": 9, "1": 4, "3": 5, "test": 2})
    for name, content in (("network", NETWORK), ("svm", SVM), ("study", PLAN), ("space", SPACE)):
        (place / f"{name}.yaml").write_text(content, encoding="utf-8")
    return place


def ml(*arguments: object) -> int:
    """The exit code of a command."""
    return main([str(each) for each in arguments])


@pytest.mark.slow
def test_a_study_goes_from_files_to_its_document(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, results = place / "data", place / "docs" / "study"
    assert ml("prepare", "--source", place / "raw", "--out", data, "--no-embeddings", "--threads", "1") == 0
    assert ml("eda", "--data", data, "--out", place / "docs" / "eda", "--workers", "1") == 0
    assert (place / "docs" / "eda" / "index.html").is_file()

    options = ["--data", str(data), "--plan", str(place / "study.yaml"), "--out", str(place / "runs")]
    options += ["--results", str(results), "--log", str(place / "log.csv"), "--weights-dir", str(place)]
    assert ml("study", *options, "--keep-going") == 1, "one entry's weights are not there"
    assert "1 of 3 models failed: broken" in capsys.readouterr().err
    assert ml("study", *options, "--only", "vector", "network", "--report-test", "the tiny study is complete") == 0
    figures = json.loads((results / "results" / "network.json").read_text(encoding="utf-8"))
    assert (figures["choosing"]["images"], figures["test"]["images"]) == (35, 14)
    assert len((place / "log.csv").read_text(encoding="utf-8").splitlines()) == 3

    report_of_another = [*options, "--only", "vector"]
    report_of_another[1] = str(write_tiny_isic(place / "other", per_class={"0": 2, "1": 2, "3": 3}))
    published = {path.name: path.read_bytes() for path in (results / "results").iterdir()}
    assert ml("study", *report_of_another) == 2
    assert "was measured on other data; give another --results" in capsys.readouterr().err
    report_of_another[report_of_another.index("--results") + 1] = str(place / "elsewhere")
    assert ml("study", *report_of_another) == 2
    assert "its models were trained on other data; give another --out" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (results / "results").iterdir()} == published

    assert ml(
        "tune", "--data", data, "--config", place / "network.yaml", "--space", place / "space.yaml",
        "--trials", "2", "--out", place / "runs" / "tuning", "--report", results / "tuning",
    ) == 0  # fmt: skip
    shared = ["--results", results, "--plan", place / "study.yaml"]
    capsys.readouterr()
    assert ml("compare", "--on", "test", *shared) == 0
    table = capsys.readouterr().out
    assert "Network less SVM" in table
    assert "Broken" in table

    assert ml(
        "errors", "--data", data, "--run", place / "runs" / "network", "--out", results / "errors",
        "--cache", place / "docs" / "eda" / "cache", *shared,
    ) == 0  # fmt: skip
    experiments.write_experiments(results, place / "study.yaml", place / "docs" / "experiments.md")
    document = (place / "docs" / "experiments.md").read_text(encoding="utf-8")
    assert "| Broken | not run |" in document
    assert "2 trials" in document
    assert "network on fold 3" in document
    for target in ("study/errors/index.html", "study/figures/pretrained.svg"):
        assert f"({target})" in document
        assert (place / "docs" / target).is_file()
