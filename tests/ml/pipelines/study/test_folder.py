"""A study model is calibrated on its choosing fold and measured with intervals over lesions."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics
from safetensors.numpy import save_file

from ml.bundle.hashing import hash_tensors
from ml.data.isic import Record, read_isic
from ml.data.split import read_split
from ml.errors import UserError
from ml.evaluation.fold_log import find_readings
from ml.pipelines.study.folder import calibrate_on_choosing, measure_folder, open_study_folder, read_truth, score
from ml.pipelines.study.measure import measure_study_model
from ml.taxonomy import CLASSES
from tests.ml.figures import ends
from tests.ml.pipelines.study.folders import predict_somehow, write_study_folder
from tests.ml.tiny_isic import write_tiny_isic


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("data") / "isic", per_class={"0": 1, "3": 6, "test": 3})


@pytest.fixture
def folder(data: Path, tmp_path: Path) -> Path:
    return write_study_folder(tmp_path / "model", data)


def test_the_method_says_whether_lesions_are_known(folder: Path, data: Path) -> None:
    opened, known = open_study_folder(folder), read_truth(data)
    unknown = replace(known, lesions={image: image for image in known.lesions})
    for truth, how in ((known, "bootstrap over lesions"), (unknown, "bootstrap over images")):
        figures = measure_folder(opened, truth, calibrate_on_choosing(opened, truth), test=False).figures
        assert {figure["how"] for figure in figures["metrics"].values()} == {how}


def test_the_figures_of_the_choosing_fold_are_scikit_learns(folder: Path, data: Path) -> None:
    opened, truth = open_study_folder(folder), read_truth(data)
    calibration = calibrate_on_choosing(opened, truth)
    figures = measure_folder(opened, truth, calibration, test=False).figures
    scored = score(opened, truth, test=False, temperature=calibration.temperature)
    names = [opened.images[row] for row in opened.rows(test=False)]
    labels = [truth.labels[name] for name in names]
    assert {read_split().fold_of[name] for name in names} == {"3"}
    assert (figures["folds"], figures["images"], figures["lesions"]) == (["3"], 42, 42)
    expected = sklearn.metrics.balanced_accuracy_score(labels, scored.balanced_scores.argmax(axis=1))
    value, low, high = ends(figures["metrics"]["balanced_accuracy"])
    assert value == pytest.approx(expected, abs=1e-4)
    assert figures["metrics"]["balanced_accuracy"]["n"] == 42
    assert low < value < high  # type: ignore[operator]
    auc = sklearn.metrics.roc_auc_score(labels, scored.balanced_scores, multi_class="ovr", average="macro")
    assert figures["metrics"]["macro_auc"]["value"] == pytest.approx(auc, abs=1e-4)
    assert sum(map(sum, figures["confusion"])) == 42
    assert figures["metrics"]["sensitivity_not_low_risk"]["value"] >= 0.95


def test_the_prior_of_the_training_is_divided_out(data: Path, tmp_path: Path) -> None:
    truth = read_truth(data)
    prior = [0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
    even = open_study_folder(write_study_folder(tmp_path / "model", data))
    skewed = open_study_folder(write_study_folder(tmp_path / "model", data, training_prior=prior))
    ratio = score(even, truth, test=False, temperature=1).balanced_scores
    ratio = ratio / score(skewed, truth, test=False, temperature=1).balanced_scores
    assert np.allclose(ratio[:, 0] / ratio[:, 1], 4)
    assert np.allclose(ratio[:, 1], ratio[:, 6])


def test_what_the_model_chooses_by_has_no_label_of_the_test_fold(data: Path) -> None:
    folds = read_split().fold_of
    named = {record.image_id for record in read_isic(data).records if folds[record.image_id] == "test"}
    assert len(named) == 21
    assert not named & read_truth(data).labels.keys()


def test_a_study_model_reads_the_test_fold_once_and_leaves_a_line(folder: Path, data: Path, tmp_path: Path) -> None:
    opened, log = open_study_folder(folder), tmp_path / "log.csv"
    calibration = calibrate_on_choosing(opened, read_truth(data))
    measured = measure_study_model(opened, calibration, data=data, why="tier 1", predict=predict_somehow, log=log)
    assert measured.figures["images"] == 21
    (row,) = find_readings(log, opened.summary["sha256"])
    assert row["why"] == "study, model: tier 1"
    assert float(row["balanced_accuracy"]) == measured.figures["metrics"]["balanced_accuracy"]["value"]
    with pytest.raises(UserError, match="once; restore its results file"):
        measure_study_model(opened, calibration, data=data, why="again", predict=predict_somehow, log=log)
    assert len(find_readings(log, opened.summary["sha256"])) == 1


def test_the_scores_of_the_test_fold_are_asked_for_and_not_kept(folder: Path, data: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    def predict(path: Path, records: Sequence[Record]) -> npt.NDArray[np.float64]:
        asked.extend(record.image_id for record in records)
        return predict_somehow(path, records)

    opened = open_study_folder(folder)
    assert set(opened.folds) == {"3"}
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    calibration = calibrate_on_choosing(opened, read_truth(data))
    measure_study_model(opened, calibration, data=data, why="tier 1", predict=predict, log=tmp_path / "log.csv")
    assert {read_split().fold_of[name] for name in asked} == {"test"}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_weights_have_one_hash_in_whatever_order_they_were_written(tmp_path: Path) -> None:
    tensors: dict[str, npt.NDArray[Any]] = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.ones(2, np.float16),
    }
    save_file(tensors, tmp_path / "one.safetensors", {"x": "1", "y": "2", "z": "3"})
    save_file(dict(reversed(tensors.items())), tmp_path / "two.safetensors", {"z": "3", "other": "1"})
    save_file({**tensors, "b": np.zeros(2, np.float16)}, tmp_path / "three.safetensors")
    one, two, three = (hash_tensors(tmp_path / f"{name}.safetensors") for name in ("one", "two", "three"))
    assert one == two != three


def test_an_unfinished_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model: holds no summary\.json and predictions\.csv"):
        open_study_folder(tmp_path / "model")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace("image,fold", "name,fold"),
            r"column image is missing; .* must have image,fold,MEL",
        ),
        (lambda text: text + text.splitlines()[-1] + "\n", "an image occurs twice"),
        (lambda text: text + f"NEW,3,{','.join(['x'] * 7)}\n", "a score is not a number"),
        (lambda text: text + f"NEW,3,{','.join(['0.5'] * 7)}\n", "sum to 1"),
        (lambda text: text.splitlines()[0] + "\n", "sum to 1"),
        (lambda text: text[:-20], "too few fields"),
    ],
)
def test_bad_predictions_are_told(folder: Path, change: object, message: str) -> None:
    path = folder / "predictions.csv"
    path.write_text(change(path.read_text()))  # type: ignore[operator] # a lambda
    with pytest.raises(UserError, match=message):
        open_study_folder(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"training_prior": [0.5] * 2}, "seven frequencies"),
        ({"sha256": None}, "sha256 is missing"),
    ],
)
def test_a_bad_summary_is_told(folder: Path, change: dict[str, object], message: str) -> None:
    path = folder / "summary.json"
    content = {key: value for key, value in (json.loads(path.read_text()) | change).items() if value is not None}
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        open_study_folder(folder)


def test_weights_of_another_model_are_told(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(b"other")
    with pytest.raises(UserError, match="cannot be read as safetensors"):
        open_study_folder(folder)
    save_file({"a": np.ones(1)}, folder / "weights.safetensors")
    with pytest.raises(UserError, match="does not hash to"):
        open_study_folder(folder)


def test_data_without_a_class_are_told(tmp_path: Path) -> None:
    data = write_tiny_isic(tmp_path / "isic", per_class={"test": 1})
    with pytest.raises(UserError, match=f"no {CLASSES[0]} in folds 0 to 4"):
        read_truth(data)
