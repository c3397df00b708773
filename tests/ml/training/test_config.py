"""Configurations are read strictly."""

from pathlib import Path

import pytest
import timm
import yaml

from ml.errors import UserError
from ml.training.config import TrainingStage, read_config

CONFIG_DIRECTORY = Path(__file__).parents[3] / "ml" / "configs"
CONFIGS = sorted(
    path
    for path in CONFIG_DIRECTORY.glob("*.yaml")
    if "architecture:" in path.read_text(encoding="utf-8") and "kind:" not in path.read_text(encoding="utf-8")
)
MINIMAL = """
architecture: test_efficientnet
train_folds: [0, 1]
choose_fold: 3
stages: [{size: 64, epochs: 2}]
readings: [{size: 64, fractions: [0.9, 0.7]}]
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_short_configuration_gets_the_base_recipe(tmp_path: Path) -> None:
    config = read_config(write(tmp_path / "short.yaml", MINIMAL))
    assert config.train_folds == ("0", "1")
    assert config.choose_fold == "3"
    assert config.stages == (TrainingStage(64, 2, None),)
    assert config.readings[0].fractions == (0.9, 0.7)
    assert (config.weight_decay, config.clip, config.ema_decay, config.dropout) == (0.02, 5.0, 0.999, 0.2)
    assert config.augmentation.min_crop_area == 0.35


def test_a_configuration_survives_being_written(tmp_path: Path) -> None:
    config = read_config(write(tmp_path / "short.yaml", MINIMAL))
    assert read_config(write(tmp_path / "again.yaml", yaml.safe_dump(config.to_dict()))) == config


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_configuration_of_a_network_is_valid_and_chooses_on_fold_3(path: Path) -> None:
    config = read_config(path)
    assert config.choose_fold == "3", "all start from ImageNet weights or from none"
    assert timm.is_model(config.architecture)
    assert set(config.train_folds) in ({"0", "1", "2", "4"}, {"0", "1", "2"})


def test_what_goes_on_from_weights_of_lesions_is_judged_on_fold_4() -> None:
    config = read_config(CONFIG_DIRECTORY / "best" / "steady_288.yaml")
    assert config.choose_fold == "4"
    assert config.train_folds == ("0", "1", "2", "3")
    assert [teacher.seen for teacher in config.distillation.teachers] == [config.train_folds]


def test_the_steadier_network_is_trained_as_its_document_says() -> None:
    config = read_config(CONFIG_DIRECTORY / "best" / "steady_288.yaml")
    assert sum(stage.epochs for stage in config.stages) * (config.images_per_epoch or 0) == 61_440
    assert config.cache_side == 300, "the height of the files, or the blocks of JPEG would lie elsewhere"
    assert config.augmentation.degradation.sharpen == 0, "the panel counts sharpening among what no training sees"
    assert config.freeze_norms
    assert config.distillation.clean_crop


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("choose_fold: 3", "choose_fold: 3\nlearnin_rate: 1"), r"unknown key learnin_rate; known are architecture, "),
        (("{size: 64, epochs: 2}", "{size: 64, epoch: 2}"), r"unknown key stages\[0\].epoch;"),
        (("{size: 64, epochs: 2}", "{size: 64}"), r"key stages\[0\].epochs is missing"),
        (("choose_fold: 3", "choose_fold: test"), "fold 'test' cannot be trained or chosen on"),
        (("[0, 1]", "[0, test]"), "fold 'test' cannot be trained or chosen on"),
        (("[0, 1]", "[0, 3]"), "choose_fold: must not be among train_folds"),
        (("epochs: 2", "epochs: many"), r"stages\[0\].epochs: is 'many'; must be of type int"),
        (("epochs: 2", "epochs: 0"), r"stages\[0\].epochs: is 0; must be at least 1"),
        (("[0.9, 0.7]", "[1.2]"), r"readings\[0\].fractions\[0\]: is 1.2; must be at most 1"),
        (("[0, 1]", "[0, 1]\nbatch_size: 7"), "batch_size: is 7; must be a multiple of 2"),
        (("[0, 1]", "[0, 1]\ncache_side: 32"), "cache_side: must be at least the largest stage's size"),
        (("[0, 1]", "[0, 1]\nprecision: fp8"), "precision: is 'fp8'; use auto or fp32 or bf16"),
        (("[0, 1]", "[0, 1]\naugmentation: strong"), "augmentation: must hold keys and values"),
        (("[0, 1]", "[0, 1]\ndistillation: {views: [0.9]}"), "distillation.views: .* mix_probability: 0"),
        (("[0, 1]", "[0, 1]\naugmentation: {degrade_probability: 2}"), "degrade_probability: is 2; must be at most 1"),
        (
            ("[0, 1]", "[0, 1]\naugmentation: {degrade_probability: 0.5, kind: albumentations}"),
            "degrade_probability: needs kind: tensor",
        ),
        (
            ("[0, 1]", "[0, 1]\naugmentation: {degrade_probability: 0.5, degradation: {noise: 0.5}}"),
            "degradation: needs kind: tensor and degrade_probability: 0",
        ),
        (
            ("[0, 1]", "[0, 1]\ndistillation: {clean_crop: true}"),
            "clean_crop: needs .* mix_probability: 0 and no views",
        ),
        (("[0, 1]", "[0, 1]\nfreeze_norms: true\nunfreeze_epochs: 2"), "freeze_norms: goes without"),
        (("train_folds: [0, 1]", "train_folds: 0"), "train_folds: must be a list"),
        (("[0, 1]", "[0, 1"), "cannot be read as YAML"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in MINIMAL
    path = write(tmp_path / "wrong.yaml", MINIMAL.replace(*change))
    with pytest.raises(UserError, match=message) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none.yaml: cannot be read as YAML"):
        read_config(tmp_path / "none.yaml")
