"""What is written down of a model stays until its weights change; pairs are compared on the same resamples."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from ml.data.isic import read_isic
from ml.data.split import hash_data
from ml.errors import UserError
from ml.evaluation.fold_log import find_readings
from ml.pipelines.study.folder import calibrate_on_choosing, open_study_folder, read_truth, score
from ml.pipelines.study.plan import StudyPlan, read_plan
from ml.pipelines.study.results import (
    DEFAULT_RESULTS,
    check_same_data,
    read_comparisons,
    read_result,
    read_results,
    record_choosing,
    record_comparisons,
    record_test,
    write_json,
)
from ml.support.environment import find_git_revision
from tests.ml.pipelines.study.folders import predict_somehow, write_study_folder
from tests.ml.pipelines.study.test_plan import BASE, PLAN
from tests.ml.tiny_isic import write_tiny_isic


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("data") / "isic", per_class={"0": 1, "3": 6, "test": 3})


@pytest.fixture
def plan(tmp_path: Path) -> StudyPlan:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "study.yaml").write_text(PLAN)
    return read_plan(tmp_path / "study.yaml")


def record(plan: StudyPlan, data: Path, place: Path, name: str, skill: float) -> dict[str, object]:
    folder = open_study_folder(write_study_folder(place / "runs" / name, data, skill=skill))
    return record_choosing(folder, plan, plan.entries[name], read_truth(data), place / "results")


def test_a_result_holds_the_summary_and_the_choosing_fold_alone(plan: StudyPlan, data: Path, tmp_path: Path) -> None:
    result = record(plan, data, tmp_path, "small", 2.0)
    assert result == read_result(tmp_path / "results", "small")
    assert (result["label"], result["question"], result["tier"]) == ("Small", "scratch", 1)
    assert result["summary"]["parameters"] == 1_500_000  # type: ignore[index] # JSON
    assert result["choosing"]["images"] == 42  # type: ignore[index]
    assert result["test"] is None
    assert read_results(tmp_path / "results", ["small", "large"]).keys() == {"small"}
    assert (tmp_path / "results" / "results" / "small.json").stat().st_size < 8000


def test_test_figures_are_kept_until_the_weights_change(plan: StudyPlan, data: Path, tmp_path: Path) -> None:
    results, log = tmp_path / "results", tmp_path / "log.csv"
    record(plan, data, tmp_path, "small", 2.0)
    folder = open_study_folder(tmp_path / "runs" / "small")
    assert record_test(folder, data=data, why="all done", results=results, predict=predict_somehow, log=log)
    assert not record_test(folder, data=data, why="all done", results=results, predict=predict_somehow, log=log), (
        "resumed"
    )
    figures = read_result(results, "small")["test"]
    assert figures["images"] == 21
    (folder.path / "replicates_choosing.npz").unlink()
    assert record(plan, data, tmp_path, "small", 2.0)["test"] == figures
    assert len(find_readings(log, folder.summary["sha256"])) == 1
    with pytest.raises(UserError, match=r"small\.json: has figures of the test fold of other weights; move it away"):
        record(plan, data, tmp_path, "small", 3.0)
    assert read_result(results, "small")["test"] == figures


def test_a_result_says_of_which_data_and_code_it_is_and_when(plan: StudyPlan, data: Path, tmp_path: Path) -> None:
    result = record(plan, data, tmp_path, "small", 2.0)
    assert result["data_sha256"] == hash_data(read_isic(data).records)
    assert result["revision"] == find_git_revision()
    assert result["date"] == datetime.now(UTC).date().isoformat()


def test_results_of_other_data_are_not_mixed(plan: StudyPlan, data: Path, tmp_path: Path) -> None:
    record(plan, data, tmp_path, "small", 2.0)
    check_same_data(tmp_path / "results", read_truth(data).data_sha256)
    with pytest.raises(UserError, match=r"small\.json: was measured on other data; give another --results"):
        check_same_data(tmp_path / "results", "0" * 64)


def test_the_published_results_are_all_of_the_same_data() -> None:
    results = read_results(DEFAULT_RESULTS, [path.stem for path in (DEFAULT_RESULTS / "results").glob("*.json")])
    assert len(results) >= 13
    assert len({result["data_sha256"] for result in results.values()}) == 1
    assert all(len(result["data_sha256"]) == 64 and result["date"] for result in results.values())


def test_a_pair_is_compared_on_the_same_lesions(plan: StudyPlan, data: Path, tmp_path: Path) -> None:
    for name, skill in (("small", 0.5), ("large", 3.0)):
        record(plan, data, tmp_path, name, skill)
    record_comparisons(plan, tmp_path / "runs", tmp_path / "results")
    (found,) = read_comparisons(tmp_path / "results")
    assert (found["one"], found["other"], found["part"]) == ("large", "small", "choosing")
    value, low, high = (found["differences"]["accuracy"][name] for name in ("value", "low", "high"))
    hits = []
    for name in ("large", "small"):
        folder, truth = open_study_folder(tmp_path / "runs" / name), read_truth(data)
        scored = score(folder, truth, test=False, temperature=calibrate_on_choosing(folder, truth).temperature)
        hits.append((scored.balanced_scores.argmax(axis=1) == scored.labels).astype(float))
    differences = hits[0] - hits[1]
    error = differences.std() / np.sqrt(len(differences))
    assert value == pytest.approx(differences.mean(), abs=1e-3)
    assert low == pytest.approx(value - 1.96 * error, abs=0.03)
    assert high == pytest.approx(value + 1.96 * error, abs=0.03)


def test_a_comparison_whose_folders_are_elsewhere_is_kept(plan: StudyPlan, data: Path, tmp_path: Path) -> None:
    for name, skill in (("small", 0.5), ("large", 3.0)):
        record(plan, data, tmp_path, name, skill)
    record_comparisons(plan, tmp_path / "runs", tmp_path / "results")
    before = read_comparisons(tmp_path / "results")
    record_comparisons(plan, tmp_path / "another place", tmp_path / "results")
    assert read_comparisons(tmp_path / "results") == before


@pytest.mark.parametrize(("name", "read"), [("results/x.json", read_result), ("comparisons.json", read_comparisons)])
def test_figures_that_were_cut_off_are_told(tmp_path: Path, name: str, read: Callable[..., object]) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / name).write_text('[{"one": "lar', encoding="utf-8")
    arguments = ["x"] if read is read_result else []
    with pytest.raises(UserError, match=rf"{name}: cannot be read as JSON; restore it"):
        read(tmp_path, *arguments)


@pytest.mark.parametrize("part", ["choosing", "test"])
def test_a_result_of_an_earlier_shape_is_refused(tmp_path: Path, part: str) -> None:
    figures = {"choosing": None, "test": None} | {part: {"metrics": {"accuracy": [0.5, 0.4, 0.6]}}}
    write_json(tmp_path / "results" / "x.json", figures)
    with pytest.raises(UserError, match=r"x\.json: was written by an earlier version of the project; move it away"):
        read_result(tmp_path, "x")


def test_comparisons_of_an_earlier_shape_are_refused(tmp_path: Path) -> None:
    differences = {"accuracy": [0.1, -0.1, 0.3]}
    write_json(tmp_path / "comparisons.json", [{"one": "a", "other": "b", "part": "test", "differences": differences}])
    with pytest.raises(UserError, match=r"comparisons\.json: was written by an earlier version of the project"):
        read_comparisons(tmp_path)


def test_json_has_short_lists_on_one_line(tmp_path: Path) -> None:
    value = {"a": [1, 2.5, None], "b": {"c": [[1, 2], [3, 4]], "d": "[ x ]"}}
    write_json(tmp_path / "x.json", value)
    text = (tmp_path / "x.json").read_text()
    assert json.loads(text) == value
    assert ' "a": [1, 2.5, null],' in text.splitlines()
