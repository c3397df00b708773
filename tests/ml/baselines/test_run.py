"""A whole run of a support vector machine or a probe on tiny images, up to its study folder."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.torch import save_file

from ml.baselines.config import read_classical_config
from ml.baselines.run import run_baseline
from ml.bundle.hashing import hash_file
from ml.data.isic import read_isic
from ml.data.split import SPLIT_SHA256, read_split
from ml.errors import UserError
from ml.networks.backbone import create_backbone
from ml.pipelines.study.folder import open_study_folder
from ml.taxonomy import CLASSES
from tests.ml.tiny_isic import write_rows, write_tiny_isic

SVM: dict[str, Any] = {
    "kind": "svm",
    "features": {"kind": "handcrafted"},
    "train_folds": ["0", "1"],
    "grid": [{"kernel": "linear", "costs": [0.01]}, {"kernel": "rbf", "costs": [1.0], "gammas": [1.0]}],
}
PROBE: dict[str, Any] = {
    "kind": "probe",
    "features": {"kind": "deep", "architecture": "test_efficientnet", "size": 64},
    "train_folds": ["0", "1"],
    "classifier": "logistic",
    "costs": [0.01, 0.1],
}
PER_CLASS = {"0": 3, "1": 2, "3": 2, "test": 1, "4": 1}

Run = Callable[..., Path]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("data") / "isic", per_class=PER_CLASS)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a network without those of a classifier."""
    state = create_backbone("test_efficientnet").state_dict()
    path = tmp_path_factory.mktemp("weights") / "imagenet.safetensors"
    save_file({name: value for name, value in state.items() if not name.startswith("classifier")}, path)
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the features of all these tests are kept."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def fit(tmp_path: Path, data: Path, cache: Path) -> Run:
    """Write a configuration and run it, into ``runs/NAME``."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "cache").symlink_to(cache)

    def fit_into(name: str, config: dict[str, Any], *, weights: Path | None = None, data: Path = data) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return run_baseline(data=data, config_path=path, weights=weights, out=tmp_path / "runs" / name, progress=False)

    return fit_into


def read_predictions(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "predictions.csv").open(newline="", encoding="utf-8") as file:
        return {row["image"]: row for row in csv.DictReader(file)}


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def copy_data(data: Path, directory: Path) -> Path:
    return Path(shutil.copytree(data, directory))


def test_a_support_vector_machine_leaves_a_study_folder(fit: Run, tmp_path: Path) -> None:
    folder = fit("svm", SVM)
    opened = open_study_folder(folder)
    assert opened.folds.count("3") == 14
    assert set(opened.folds) == {"3"}, "the test fold is not read"
    summary = read_json(folder / "summary.json")
    assert summary["kind"] == "svm"
    assert summary["name"] == "svm"
    assert summary["architecture"] == "SVM on handcrafted features"
    assert summary["initialisation"] == "scratch"
    assert (summary["resolution"], summary["parameters"], summary["flops"]) == (None, None, None)
    assert summary["training_prior"] == pytest.approx([1 / 7] * 7)
    assert summary["training_images"] == 35
    assert summary["milliseconds_per_image"] > 0
    assert summary["sha256"] == hash_file(folder / "classifier.joblib")
    choices = read_json(folder / "choices.json")
    assert [set(each) for each in choices] == [{"settings", "balanced_accuracy"}] * 2
    assert summary["chosen"] == choices[0]["settings"]
    assert read_classical_config(folder / "config.yaml") == read_classical_config(tmp_path / "svm.yaml")


def test_a_run_tells_what_it_was_made_with(fit: Run, weights: Path) -> None:
    description = read_json(fit("svm", SVM) / "run.json")
    assert description["split_sha256"] == SPLIT_SHA256
    assert description["masks"] == "Otsu's threshold"
    assert description["weights"] is None
    assert description["seed"] == 2018
    assert {"python", "processor", "scikit-learn", "scikit-image"} <= set(description["environment"])
    probed = read_json(fit("probe", PROBE, weights=weights) / "run.json")
    assert probed["weights"] == {"name": "imagenet.safetensors", "sha256": hash_file(weights)}
    assert probed["masks"] is None
    assert probed["data_sha256"] == description["data_sha256"]


def test_only_images_of_the_choosing_fold_are_predicted(fit: Run, data: Path) -> None:
    predicted = read_predictions(fit("svm", SVM))
    folds = read_split().fold_of
    wanted = {each.image_id for each in read_isic(data).records if folds[each.image_id] == "3"}
    assert set(predicted) == wanted
    assert all(row["fold"] == folds[image] for image, row in predicted.items())


def test_colours_of_classes_are_learnt(fit: Run, data: Path) -> None:
    labels = {each.image_id: each.label for each in read_isic(data).records}
    rows = [(image, row) for image, row in read_predictions(fit("svm", SVM)).items() if row["fold"] == "3"]
    right = [CLASSES[labels[image]] == max(CLASSES, key=lambda code: float(row[code])) for image, row in rows]
    assert np.mean(right) > 0.8


def test_a_probe_names_its_network_and_shares_its_features(fit: Run, weights: Path, cache: Path) -> None:
    summary = read_json(fit("probe", PROBE, weights=weights) / "summary.json")
    assert summary["architecture"] == "logistic regression on frozen test_efficientnet"
    assert summary["initialisation"] == "imagenet: imagenet.safetensors"
    assert summary["resolution"] == 64
    assert summary["parameters"] > 0
    assert summary["flops"] > 0
    nearest = {**{key: value for key, value in PROBE.items() if key != "costs"}, "classifier": "knn", "neighbours": [3]}
    kept = set(cache.glob("features-*.npy"))
    other = fit("nearest", nearest, weights=weights)
    assert set(cache.glob("features-*.npy")) == kept
    assert read_json(other / "summary.json")["architecture"] == "nearest neighbours on frozen test_efficientnet"


def test_the_same_seed_gives_the_same_numbers(fit: Run) -> None:
    first = fit("first", SVM)
    (first.parent / "cache").unlink()
    second = fit("second", SVM)  # its features are made anew
    assert (first / "predictions.csv").read_bytes() == (second / "predictions.csv").read_bytes()


def test_labels_of_the_test_fold_change_nothing(fit: Run, data: Path, tmp_path: Path) -> None:
    before = fit("before", SVM)
    changed = copy_data(data, tmp_path / "changed")
    folds = read_split().fold_of
    rows = [
        (each.image_id, *np.eye(7)[6 if folds[each.image_id] == "test" else each.label])
        for each in read_isic(changed).records
    ]
    write_rows(changed / "ISIC2018_Task3_Training_GroundTruth.csv", ("image", *CLASSES), rows)
    after = fit("after", SVM, data=changed)
    assert (before / "predictions.csv").read_bytes() == (after / "predictions.csv").read_bytes()


def test_excluded_images_train_nothing(fit: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fit("before", SVM)
    folds = read_split().fold_of
    names = [each.image_id for each in read_isic(data).records]
    trained = next(name for name in names if folds[name] == "0")
    chosen = next(name for name in names if folds[name] == "3")
    excluding = replace(read_split(), excluded={trained: "blurred", chosen: "repeated"})
    monkeypatch.setattr("ml.baselines.run.read_split", lambda: excluding)
    after = fit("after", SVM)
    assert read_json(before / "summary.json")["training_images"] == 35
    assert read_json(after / "summary.json")["training_images"] == 34
    assert read_predictions(before).keys() == read_predictions(after).keys()
    assert (before / "predictions.csv").read_bytes() != (after / "predictions.csv").read_bytes()


def write_masks(data: Path) -> Path:
    directory = data / "HAM10000_segmentations"
    directory.mkdir()
    for record in read_isic(data).records:
        mask = np.zeros((240, 320), np.uint8)
        mask[80:160, 100:220] = 255
        Image.fromarray(mask).save(directory / f"{record.image_id}_segmentation.png")
    return directory


def test_masks_are_used_where_the_data_has_them(fit: Run, data: Path, tmp_path: Path) -> None:
    masked = copy_data(data, tmp_path / "masked")
    write_masks(masked)
    with_masks = fit("masked", SVM, data=masked)
    assert read_json(with_masks / "run.json")["masks"] == "HAM10000_segmentations"
    by_otsu = fit("otsu", {**SVM, "features": {"kind": "handcrafted", "masks": "otsu"}}, data=masked)
    assert read_json(by_otsu / "run.json")["masks"] == "Otsu's threshold"
    assert (by_otsu / "predictions.csv").read_bytes() != (with_masks / "predictions.csv").read_bytes()


def test_a_missing_mask_is_named(fit: Run, data: Path, tmp_path: Path) -> None:
    masked = copy_data(data, tmp_path / "masked")
    removed = sorted(write_masks(masked).iterdir())[:2]
    for path in removed:
        path.unlink()
    with pytest.raises(UserError, match=rf"{removed[0].name}: is missing, with 1 more; add it, or set features.masks"):
        fit("svm", SVM, data=masked)


def test_a_finished_run_is_not_overwritten(fit: Run) -> None:
    fit("svm", SVM)
    with pytest.raises(UserError, match="svm: holds a finished run; give another --out"):
        fit("svm", SVM)


def test_weights_are_asked_for_where_they_are_needed_and_only_there(fit: Run, weights: Path) -> None:
    with pytest.raises(UserError, match="frozen features need what test_efficientnet has learnt; give --weights FILE"):
        fit("probe", PROBE)
    with pytest.raises(UserError, match=r"imagenet\.safetensors: handcrafted features start from no weights"):
        fit("svm", SVM, weights=weights)


@pytest.mark.parametrize(
    ("per_class", "message"),
    [
        ({"0": 2, "1": 2, "test": 1}, "no image of MEL in fold 3; give data with all seven classes"),
        ({"0": 2, "3": 1}, "no image of MEL in training without fold 0"),
    ],
)
def test_missing_folds_are_named(fit: Run, tmp_path: Path, per_class: dict[str, int], message: str) -> None:
    few = write_tiny_isic(tmp_path / "few", per_class=per_class)
    with pytest.raises(UserError, match=message):
        fit("svm", SVM, data=few)


def test_more_neighbours_than_images_are_refused_before_the_features_are_made(fit: Run, weights: Path) -> None:
    config = {**{key: value for key, value in PROBE.items() if key != "costs"}, "classifier": "knn"}
    with pytest.raises(UserError, match="neighbours: 36 is more than the 35 training images"):
        fit("nearest", {**config, "neighbours": [1, 36]}, weights=weights)
