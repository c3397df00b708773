"""Configurations of support vector machines and probes are read strictly."""

from pathlib import Path

import pytest

from ml.baselines.config import Kernel, ProbeConfig, SvmConfig, read_classical_config
from ml.errors import UserError

CONFIGS = Path(__file__).parents[3] / "ml" / "configs"
OURS = sorted([*CONFIGS.glob("svm_*.yaml"), *CONFIGS.glob("probe_*.yaml")])
SVM = """
kind: svm
features: {kind: handcrafted}
train_folds: [0, 1]
choose_fold: 3
grid: [{kernel: linear, costs: [1]}, {kernel: rbf, costs: [1, 10], gammas: [0.5]}]
"""
PROBE = """
kind: probe
features: {kind: deep, architecture: tf_efficientnet_lite0}
train_folds: [0, 1]
choose_fold: 3
classifier: knn
neighbours: [1, 5]
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_support_vector_machine_gets_its_grid(tmp_path: Path) -> None:
    config = read_classical_config(write(tmp_path / "svm.yaml", SVM))
    assert isinstance(config, SvmConfig)
    assert config.grid == (Kernel("linear", (1.0,)), Kernel("rbf", (1.0, 10.0), (0.5,)))
    assert config.train_folds == ("0", "1")
    assert config.explained_variance == 0.95
    assert config.features.masks == "auto"


def test_a_probe_gets_its_neighbours(tmp_path: Path) -> None:
    config = read_classical_config(write(tmp_path / "probe.yaml", PROBE))
    assert isinstance(config, ProbeConfig)
    assert (config.classifier, config.neighbours, config.features.size) == ("knn", (1, 5), 224)


def test_there_are_four_kinds_of_configurations_in_the_project() -> None:
    assert {"svm_handcrafted", "svm_deep", "probe_logistic_lite0", "probe_knn_lite0"} <= {path.stem for path in OURS}


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_every_one_of_them_keeps_to_the_folds_of_the_study(path: Path) -> None:
    config = read_classical_config(path)
    assert (config.train_folds, config.choose_fold) == (("0", "1", "2"), "3")
    assert path.stem.startswith(config.kind)


@pytest.mark.parametrize(
    ("text", "change", "message"),
    [
        (SVM, ("kind: svm", "kind: forest"), "has kind: forest; use svm or probe"),
        (SVM, ("choose_fold: 3", "choose_fold: 3\ncost: 1"), "unknown key cost; known are kind, features, grid"),
        (SVM, ("choose_fold: 3", "choose_fold: 3\nneighbours: [1]"), "unknown key neighbours"),
        (SVM, ("kernel: linear", "kernel: cubic"), r"grid\[0\].kernel: is 'cubic'; use linear or rbf"),
        (SVM, ("costs: [1]", "costs: [0]"), r"grid\[0\].costs\[0\]: is 0; must be more than 0"),
        (SVM, (", gammas: [0.5]", ""), "grid: rbf needs gammas, linear has none"),
        (SVM, ("costs: [1]", "costs: [1], gammas: [1]"), "grid: rbf needs gammas, linear has none"),
        (SVM, ("train_folds: [0, 1]", "train_folds: [0]"), "train_folds: an SVM needs two or more"),
        (SVM, ("train_folds: [0, 1]", "train_folds: [0, 0]"), "train_folds: must name each fold once"),
        (SVM, ("train_folds: [0, 1]", "train_folds: [0, test]"), "fold 'test' cannot be trained or chosen on"),
        (SVM, ("train_folds: [0, 1]", "train_folds: [0, 3]"), "choose_fold: must not be among train_folds"),
        (SVM, ("choose_fold: 3", "choose_fold: test"), "fold 'test' cannot be trained or chosen on"),
        (
            SVM,
            ("choose_fold: 3", "choose_fold: 3\nexplained_variance: 1"),
            "explained_variance: is 1; must be less than 1",
        ),
        (SVM, ("{kind: handcrafted}", "{kind: deep}"), "features.architecture: deep features need it"),
        (SVM, ("{kind: handcrafted}", "{kind: hog}"), "features.kind: is 'hog'; use handcrafted or deep"),
        (SVM, ("{kind: handcrafted}", "{kind: handcrafted, size: 8}"), "features.size: is 8; must be at least 32"),
        (
            SVM,
            ("{kind: handcrafted}", "{kind: handcrafted, fractions: [2]}"),
            r"features.fractions\[0\]: is 2; must be at most 1",
        ),
        (SVM, ("grid: [", "grid: {"), "cannot be read as YAML"),
        (PROBE, ("neighbours: [1, 5]", "neighbours: []"), "logistic needs costs, knn needs neighbours"),
        (PROBE, ("neighbours: [1, 5]", "neighbours: [0]"), r"neighbours\[0\]: is 0; must be at least 1"),
        (PROBE, ("neighbours: [1, 5]", "neighbours: [1]\ncosts: [1]"), "neither has the other's"),
        (PROBE, ("classifier: knn", "classifier: logistic"), "logistic needs costs"),
        (PROBE, ("classifier: knn", "classifier: mlp"), "classifier: is 'mlp'; use logistic or knn"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, text: str, change: tuple[str, str], message: str) -> None:
    assert change[0] in text
    path = write(tmp_path / "wrong.yaml", text.replace(*change))
    with pytest.raises(UserError, match=message) as caught:
        read_classical_config(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
