"""The document of the experiments is made of the committed results, and is as committed."""

import json
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.pipelines.study.folder import open_study_folder, read_truth
from ml.pipelines.study.plan import DEFAULT_PLAN, read_plan
from ml.pipelines.study.results import DEFAULT_RESULTS, record_choosing, record_comparisons, record_test
from ml.reports.study.experiments import DOCUMENT, render_experiments, write_experiments
from ml.reports.study.findings import fill_in_findings
from ml.reports.study.read import read_study
from tests.ml.pipelines.study.folders import predict_somehow, write_study_folder
from tests.ml.pipelines.study.test_plan import BASE
from tests.ml.tiny_isic import write_tiny_isic

PLAN = """
questions:
  - key: pretrained
    tier: 1
    title: Pretrained
    ask: Which?
    baseline: weak
    entries:
      - {name: weak, label: Weak, config: base.yaml}
      - {name: good, label: Good, config: base.yaml}
      - {name: absent, label: Absent, config: base.yaml}
  - key: loss
    tier: 2
    title: Loss
    ask: Which loss?
    baseline: weak
    entries:
      - {name: focal, label: Focal, config: base.yaml}
  - key: resolution
    tier: 2
    title: Resolution
    ask: How many pixels?
    baseline: weak
    along: resolution
    entries:
      - {name: size_48, label: 48 px, config: base.yaml}
  - key: leak
    tier: 2
    title: Leak
    ask: How much?
    baseline: weak
    entries:
      - {name: by_image, label: By image, config: base.yaml}
"""
MODELS = {"weak": (0.5, 96), "good": (4.0, 96), "focal": (0.5, 96), "size_48": (2.0, 48), "by_image": (5.0, 96)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a small study, its first tier reported on the test fold."""
    place = tmp_path_factory.mktemp("study")
    data = write_tiny_isic(place / "isic", per_class={"0": 1, "3": 8, "test": 4})
    (place / "base.yaml").write_text(BASE)
    (place / "study.yaml").write_text(PLAN)
    plan, truth = read_plan(place / "study.yaml"), read_truth(data)
    for name, (skill, size) in MODELS.items():
        folder = open_study_folder(write_study_folder(place / "runs" / name, data, skill=skill, resolution=size))
        record_choosing(folder, plan, plan.entries[name], truth, place / "results")
        if name in {"weak", "good", "by_image"}:
            record_test(
                folder,
                data=data,
                why="done",
                results=place / "results",
                predict=predict_somehow,
                log=place / "log.csv",
            )
    record_comparisons(plan, place / "runs", place / "results")
    write_experiments(place / "results", place / "study.yaml", place / "experiments.md")
    return place


@pytest.fixture
def text(place: Path) -> str:
    return (place / "experiments.md").read_text(encoding="utf-8")


def read_figures(place: Path, name: str, part: str = "choosing") -> list[float]:
    result = json.loads((place / "results" / "results" / f"{name}.json").read_text())
    figure = result[part]["metrics"]["balanced_accuracy"]
    return [figure["value"], figure["low"], figure["high"]]


def test_the_committed_document_is_what_the_committed_results_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render_experiments(
        read_study(DEFAULT_RESULTS, DEFAULT_PLAN, DOCUMENT.parent)
    )


def test_every_entry_of_the_plan_stands_in_the_document(text: str) -> None:
    for label in ("Weak", "Good", "Focal", "48 px", "By image"):
        assert f"| {label} |" in text or f"| **{label}** |" in text
    assert "| Absent | not run |" in text
    assert text.endswith("## Not run\n\n`absent`\n")


def test_what_was_learnt_is_made_of_the_figures(place: Path, text: str) -> None:
    value, low, high = read_figures(place, "good")
    assert f"Best on the choosing fold: **Good**, balanced accuracy {value:.3f} [{low:.3f}, {high:.3f}]." in text
    assert "1 of 1 differs significantly from Weak: Good (+" in text
    assert "*Pretrained*: Good, +" in text
    first, last = read_figures(place, "size_48")[0], read_figures(place, "weak")[0]
    assert f"From 48 to 96 px balanced accuracy on the choosing fold goes from {first:.3f} to {last:.3f}" in text


def test_the_leak_is_a_number(place: Path, text: str) -> None:
    claim, honest = read_figures(place, "by_image")[0], read_figures(place, "weak")[0]
    true = read_figures(place, "by_image", "test")[0]
    assert f"the leak is worth {claim - honest:+.3f}" in text
    assert f"which is {true - claim:+.3f} from its claim" in text


def test_figures_are_drawn_and_linked(place: Path, text: str) -> None:
    for key in ("pretrained", "loss", "resolution", "leak"):
        assert f"(results/figures/{key}.svg)" in text
        assert (place / "results" / "figures" / f"{key}.svg").read_text(encoding="utf-8").count("<svg") == 1


def test_the_same_results_give_the_same_bytes(place: Path) -> None:
    files = [place / "experiments.md", *sorted((place / "results" / "figures").iterdir())]
    before = [path.read_bytes() for path in files]
    write_experiments(place / "results", place / "study.yaml", place / "experiments.md")
    assert [path.read_bytes() for path in files] == before


def test_remarks_get_their_figures_from_the_results(place: Path) -> None:
    study = read_study(place / "results", place / "study.yaml", place)
    value = read_figures(place, "good", "test")[0]
    filled = fill_in_findings("Good has {good.test.balanced_accuracy}, absent {absent.test.accuracy}.", study.found)
    assert filled.startswith(f"Good has {value:.3f} [")
    assert filled.endswith("absent (not run).")


def test_nothing_run_is_told_plainly(place: Path, tmp_path: Path) -> None:
    write_experiments(tmp_path / "none", place / "study.yaml", tmp_path / "empty.md")
    text = (tmp_path / "empty.md").read_text(encoding="utf-8")
    assert "Nothing yet: no entry has run." in text
    assert "Tier 2 is not run: the recipe stays as it is." in text
    assert "## Errors\n\nNot run." in text


def test_tuning_is_told_from_its_report(place: Path) -> None:
    directory = place / "results" / "tuning"
    directory.mkdir()
    trials = [
        {"value": 0.6, "keys": {}},
        {"value": 0.65, "keys": {"learning_rate": 0.001}},
        {"value": None, "keys": {}},
    ]
    content = {"metric": "balanced_accuracy", "best": 1, "pruned": 1, "trials": trials}
    (directory / "tuning.json").write_text(json.dumps(content))
    text = render_experiments(read_study(place / "results", place / "study.yaml", place))
    assert (
        "3 trials, 1 of them pruned. Best balanced accuracy on the choosing fold: 0.650"
        " (trial 1: `learning_rate` 0.001)" in text
    )
    assert "the base configuration has 0.600, +0.050." in text


def test_a_plan_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiments", "--plan", str(tmp_path / "gone.yaml")]) == 2
    assert "gone.yaml: cannot be read" in capsys.readouterr().err
