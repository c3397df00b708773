"""Teachers that know only what they may, and batches of one fold for them."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ml.data.cache import PixelCache
from ml.errors import UserError
from ml.networks.backbone import create_backbone
from ml.taxonomy import CLASSES
from ml.training.augment_tensor import draw_geometry, sample, view_cached
from ml.training.config import (
    Augmentation,
    Degradation,
    Distillation,
    InferencePlan,
    Teacher,
    TrainingConfig,
    TrainingStage,
)
from ml.training.dataset import CachedBatches, WeightedBatches
from ml.training.degradation import degrade_by_kind
from ml.training.losses import LabelLoss
from ml.training.module import LesionModule
from ml.training.schedule import Schedule
from ml.training.teachers import Teachers, list_seen_folds
from ml.training.unfreezing import freeze_all_but_classifier_and_norms, freeze_norms

UNIFORM = torch.full((len(CLASSES),), 1 / len(CLASSES))
CONFIG = TrainingConfig("test_efficientnet", ("0", "1"), "3", (TrainingStage(32, 1),), (InferencePlan(32, (0.8,)),))


def write_teacher(path: Path, *, sure_of: int, folds: str | None) -> Teacher:
    """A network that gives one class, whatever it sees."""
    model = create_backbone("test_efficientnet")
    with torch.no_grad():
        classifier = model.get_submodule("classifier")
        assert isinstance(classifier, nn.Linear)
        classifier.weight.zero_()
        classifier.bias[sure_of] = 20
    told = {"architecture": "test_efficientnet", "prior": " ".join(["0.142857"] * len(CLASSES))}
    save_file(model.state_dict(), path, told if folds is None else {**told, "folds": folds})
    return Teacher(str(path))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Teacher, Teacher]:
    """One that has not seen fold 0 and is sure of MEL, one that has not seen fold 1 and is sure of NV."""
    return (
        write_teacher(tmp_path / "without_0.safetensors", sure_of=0, folds="1 2"),
        write_teacher(tmp_path / "without_1.safetensors", sure_of=1, folds="0 2"),
    )


def test_a_fold_is_taught_by_those_alone_that_have_not_seen_it(pair: tuple[Teacher, Teacher]) -> None:
    teachers = Teachers(Distillation(pair, out_of_fold=True), UNIFORM)
    images = torch.rand(3, 3, 32, 32)
    assert teachers(images, "0").argmax(dim=1).tolist() == [0, 0, 0]
    assert teachers(images, "1").argmax(dim=1).tolist() == [1, 1, 1]
    torch.testing.assert_close(teachers(images, "1").sum(dim=1), torch.ones(3))


def test_without_folds_all_teach_everything(pair: tuple[Teacher, Teacher]) -> None:
    taught = Teachers(Distillation(pair), UNIFORM)(torch.rand(2, 3, 32, 32))
    torch.testing.assert_close(taught[:, :2], torch.full((2, 2), 0.5), atol=1e-3, rtol=0)


def train_once(
    monkeypatch: pytest.MonkeyPatch, distillation: Distillation, augmentation: Augmentation
) -> tuple[LesionModule, torch.Tensor, list[torch.Tensor]]:
    """One step on four images; the module, the pixels of the batch, and what the teachers saw."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 48, 64, 3), dtype=np.uint8)
    batches = CachedBatches(PixelCache(pixels, np.full(4, 64), np.arange(4), ""))
    config = replace(CONFIG, distillation=distillation, augmentation=augmentation, freeze_norms=True)
    schedule = Schedule(config.stages, steps_per_epoch=1, warmup_epochs=0, final_fraction=1)
    loss = LabelLoss(config.loss, torch.ones(7), UNIFORM)
    model = create_backbone("test_efficientnet")
    freeze_norms(model)
    module = LesionModule(model, config, schedule, loss, batches)
    seen: list[torch.Tensor] = []

    def look(images: torch.Tensor, _: str) -> torch.Tensor:
        seen.append(images)
        return UNIFORM.expand(len(images), -1)

    monkeypatch.setattr(module.teachers, "forward", look)
    monkeypatch.setattr(module, "log", lambda *_, **__: None)
    batch = batches[[0, 1, 2, 3]]
    module.train()
    module.on_train_epoch_start()
    torch.manual_seed(4)
    module.training_step(batch, 0).backward()  # type: ignore[no-untyped-call] # torch's
    return module, batch.pixels, seen


@pytest.mark.parametrize("views", [(0.9, 0.7), ()])
def test_with_views_teachers_look_at_the_image_before_it_is_altered(
    pair: tuple[Teacher, Teacher], monkeypatch: pytest.MonkeyPatch, views: tuple[float, ...]
) -> None:
    altering = Augmentation(mix_probability=0, degrade_probability=1)
    _, pixels, seen = train_once(monkeypatch, Distillation(pair, views=views), altering)
    whole = [view_cached(pixels, torch.full((4,), 64), part, 32) for part in views]
    assert len(seen) == max(1, len(views))
    assert all(torch.equal(image, view) for image, view in zip(seen, whole, strict=False))


def test_teachers_look_at_the_same_crop_neither_degraded_nor_coloured(
    pair: tuple[Teacher, Teacher], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing drawn but the geometry, the crop is what a run that alters nothing else gives its teachers."""
    degraded = Augmentation(mix_probability=0, degradation=Degradation(noise=1.0, compress=1.0))
    _, pixels, seen = train_once(monkeypatch, Distillation(pair, clean_crop=True), degraded)
    widths = torch.full((4,), 64)
    torch.manual_seed(4)
    degrade_by_kind(pixels, degraded.degradation)  # draws before the geometry
    expected = sample(pixels, draw_geometry(widths, 48, degraded), 32)
    assert len(seen) == 1
    assert torch.equal(seen[0], expected)


def test_norms_that_are_frozen_neither_move_nor_learn(
    pair: tuple[Teacher, Teacher], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, _, _ = train_once(monkeypatch, Distillation(pair), Augmentation(mix_probability=0))
    fresh = create_backbone("test_efficientnet").state_dict()
    trained = dict(module.model.named_parameters())
    statistics = [name for name in fresh if name.endswith(("running_mean", "running_var"))]
    assert statistics
    assert all(torch.equal(module.model.state_dict()[name], fresh[name]) for name in statistics), "0 and 1, as made"
    assert trained["bn1.weight"].grad is None
    assert trained["bn1.bias"].grad is None
    assert trained["conv_stem.weight"].grad is not None


def test_what_a_network_has_seen_comes_down_to_those_that_learn_from_it(pair: tuple[Teacher, Teacher]) -> None:
    config = replace(CONFIG, distillation=Distillation(pair, out_of_fold=True))
    assert list_seen_folds(config, None) == ("0", "1", "2")
    assert list_seen_folds(CONFIG, Path(pair[0].weights)) == ("0", "1", "2")


def test_a_run_is_not_judged_on_a_fold_that_its_teachers_or_weights_have_seen(pair: tuple[Teacher, Teacher]) -> None:
    judged = replace(CONFIG, train_folds=("0",), choose_fold="1")
    with pytest.raises(UserError, match=r"without_0\.safetensors: has seen fold 1, which judges this run"):
        list_seen_folds(replace(judged, distillation=Distillation(pair)), None)
    with pytest.raises(UserError, match="has seen fold 1"):
        list_seen_folds(judged, Path(pair[0].weights))
    # What is declared of a teacher counts where the run starts from the same file, too.
    teacher = replace(pair[1], seen=("0", "2", "4"))
    declared = replace(judged, choose_fold="4", distillation=Distillation((teacher,)))
    with pytest.raises(UserError, match="has seen fold 4"):
        list_seen_folds(declared, Path(teacher.weights))


def test_a_fold_that_nobody_may_teach_is_named(pair: tuple[Teacher, Teacher]) -> None:
    with pytest.raises(UserError, match="all have seen fold 1"):
        list_seen_folds(replace(CONFIG, distillation=Distillation(pair[:1], out_of_fold=True)), None)


def test_a_file_that_does_not_tell_what_it_has_seen_needs_to_be_told(tmp_path: Path) -> None:
    silent = write_teacher(tmp_path / "silent.safetensors", sure_of=0, folds=None)
    with pytest.raises(UserError, match="does not state the folds it was trained on"):
        list_seen_folds(replace(CONFIG, distillation=Distillation((silent,), out_of_fold=True)), None)
    told = replace(silent, seen=("2", "4"))
    assert list_seen_folds(replace(CONFIG, distillation=Distillation((told,), out_of_fold=True)), None) == (
        "0",
        "1",
        "2",
        "4",
    )


def test_batches_are_of_one_fold_and_draw_every_image_as_often_as_mixed_ones() -> None:
    folds = ["0"] * 30 + ["1"] * 10
    weights = torch.tensor([1.0] * 20 + [3.0] * 10 + [5.0] * 10)
    batches = WeightedBatches(np.arange(40), weights, batch_size=20, seed=3, folds=folds)
    drawn: Counter[int] = Counter()
    for epoch in range(400):
        batches.set_epoch(epoch)
        for batch in batches:
            assert len({folds[place] for place in batch}) == 1
            drawn.update(batch)
    shares = np.array([drawn[place] for place in range(40)]) / drawn.total()
    groups = [shares[:20].sum(), shares[20:30].sum(), shares[30:].sum()]
    np.testing.assert_allclose(groups, [0.2, 0.3, 0.5], atol=0.04)


def make_cache() -> PixelCache:
    pixels = np.random.default_rng(1).integers(0, 256, (6, 8, 10, 3), np.uint8)
    return PixelCache(pixels, np.array([10, 9, 8, 10, 9, 8]), np.arange(6), "")


def test_pixels_held_on_a_device_give_the_batches_that_memory_gives() -> None:
    metadata = np.random.default_rng(2).random((6, 2), np.float32)
    folds = ["0", "0", "0", "1", "1", "1"]
    one = CachedBatches(make_cache(), metadata, folds=folds)[[4, 3]]
    other = CachedBatches(make_cache(), metadata, folds=folds, device=torch.device("cpu"))[[4, 3]]
    assert one.fold == other.fold == "1"
    for name in ("pixels", "widths", "labels", "metadata"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=0, atol=0)
    assert one.labels.tolist() == [4, 3]


def test_nothing_of_a_batch_is_left_off_the_device() -> None:
    batch = CachedBatches(make_cache(), device=torch.device("meta"))[[0, 5]]
    tensors = (batch.pixels, batch.widths, batch.labels, batch.metadata)
    assert [tensor.device.type for tensor in tensors] == ["meta"] * 4
    assert batch.pixels.shape == (2, 8, 10, 3)


def test_classifier_and_norms_alone_are_trained_when_that_is_wanted() -> None:
    model = create_backbone("test_efficientnet")
    freeze_all_but_classifier_and_norms(model)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert {"classifier.weight", "classifier.bias", "bn1.weight", "bn1.bias", "bn2.weight"} <= trained
    convolutions = {name for name, parameter in model.named_parameters() if parameter.ndim == 4}
    assert convolutions
    assert not convolutions & trained
