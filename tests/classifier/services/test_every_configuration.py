"""Every configuration of a network that the project ships goes from data to a registered bundle in two steps."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from classifier.models import ModelStatus
from classifier.services.registry import register_model
from ml import training
from ml.bundle.folder import load_bundle
from ml.pipelines.train.start import train
from ml.serve.predictor import Predictor
from tests.ml.pictures import jpeg
from tests.ml.tiny_isic import write_tiny_isic

CONFIGS = Path(training.__file__).parents[1] / "configs"
SIZE = 32
OPTIONS = {
    "convnext_tiny": {"depths": [1, 1, 1, 1]},
    "resnet18": {"layers": [1, 1, 1, 1]},
    "resnet50": {"layers": [1, 1, 1, 1]},
    "vit_tiny_patch16_224": {"img_size": SIZE, "depth": 2},
    "swin_tiny_patch4_window7_224": {"img_size": SIZE, "window_size": 4, "depths": [2, 2, 2, 2]},
}
"""Fewer of the same blocks, where timm lets choose: every kind of operation stays."""
WITHOUT_HEAT_MAP = {"vit_tiny_patch16_224", "mobilenetv3_large_100", "convnext_tiny"}
"""Whose classifier does not read the mean of the last features: a class token, a hidden layer, a norm between."""


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def by_architecture() -> dict[str, list[Path]]:
    """The configurations of networks, those of one architecture together."""
    found: dict[str, list[Path]] = {}
    for path in sorted(CONFIGS.glob("**/*.yaml")):
        architecture = read(path).get("architecture")
        if architecture is not None:
            found.setdefault(str(architecture), []).append(path)
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("data") / "isic", per_class={"0": 1, "3": 3, "test": 1})


def shrink(content: dict[str, Any]) -> dict[str, Any]:
    """The configuration for one epoch of tiny pictures, from random weights; of what the network is made stays."""
    architecture = content["architecture"]
    options = content.get("architecture_options", {}) | OPTIONS.get(architecture, {})
    small = {
        "train_folds": ["0"],
        "choose_fold": "3",
        "stages": [{"size": SIZE, "epochs": 1}],
        "readings": [{"size": SIZE, "fractions": [0.9]}],
        "cache_side": SIZE,
        "batch_size": 6,
        "precision": "fp32",
        "pretrained": False,
        "distillation": {},
        "checkpoint": "best",
        "training_images": None,
        "architecture_options": options,
    }
    return content | small


@pytest.mark.usefixtures("store", "db")
@pytest.mark.parametrize("architecture", by_architecture())
def test_a_network_goes_from_data_to_a_registered_bundle(
    data: Path, tmp_path: Path, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The rehearsal of the export, which has a test of its own, would only do twice what is done here.
    monkeypatch.setattr("ml.build.servable.check_servable", lambda _config: None)
    path = by_architecture()[architecture][0]
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(shrink(read(path))), encoding="utf-8")

    folder = train(data=data, config_path=config, out=tmp_path / "runs" / "run", progress=False)
    model = register_model(path=folder / "bundle")

    assert model.status == ModelStatus.CANDIDATE
    bundle = load_bundle(folder / "bundle")
    assert bundle.manifest.heat_map is (architecture not in WITHOUT_HEAT_MAP)
    assert bundle.manifest.trained_on is not None
    assert bundle.manifest.trained_on.images == 7
    assert Predictor(bundle, "onnx").read(jpeg()).probabilities.sum() == pytest.approx(1)
