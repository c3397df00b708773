"""Backbones and the weights that they start from."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ml.errors import UserError
from ml.networks.backbone import create_backbone, get_classifier, load_weights

ARCHITECTURE = "test_efficientnet"


def save_state(path: Path, **changes: torch.Tensor) -> Path:
    """Weights as they are shared: fp16, without counters of batches."""
    state = create_backbone(ARCHITECTURE).state_dict() | changes
    kept = {name: value.half().contiguous() for name, value in state.items() if "num_batches_tracked" not in name}
    save_file(kept, path)
    return path


def test_a_fresh_classifier_starts_at_the_loss_of_guessing() -> None:
    torch.manual_seed(0)
    logits = create_backbone(ARCHITECTURE).eval()(torch.randn(8, 3, 64, 64))
    loss = torch.nn.functional.cross_entropy(logits, torch.arange(8) % 7)
    assert loss.item() == pytest.approx(1.9459, abs=0.05)  # ln 7


def test_weights_of_seven_classes_are_taken_whole(tmp_path: Path) -> None:
    weight = torch.full((7, 256), 0.5)
    path = save_state(tmp_path / "lesions.safetensors", **{"classifier.weight": weight})
    model = create_backbone(ARCHITECTURE)
    assert load_weights(model, path)
    torch.testing.assert_close(get_classifier(model).weight, weight)


def test_a_classifier_of_other_classes_is_left_out(tmp_path: Path) -> None:
    stem = torch.full((24, 3, 3, 3), 0.25)
    imagenet = {
        "classifier.weight": torch.ones(1000, 256),
        "classifier.bias": torch.ones(1000),
        "conv_stem.weight": stem,
    }
    model = create_backbone(ARCHITECTURE)
    before = get_classifier(model).weight.clone()
    assert not load_weights(model, save_state(tmp_path / "imagenet.safetensors", **imagenet))
    torch.testing.assert_close(get_classifier(model).weight, before)
    torch.testing.assert_close(model.get_parameter("conv_stem.weight"), stem)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    path = save_state(tmp_path / "other.safetensors")
    with pytest.raises(UserError, match=r"other.safetensors: does not fit this architecture"):
        load_weights(create_backbone("test_resnet"), path)


def test_weights_that_lack_a_layer_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "part.safetensors"
    save_file({"conv_stem.weight": torch.zeros(24, 3, 3, 3)}, path)
    with pytest.raises(UserError, match="does not fit"):
        load_weights(create_backbone(ARCHITECTURE), path)


@pytest.mark.parametrize("content", [None, b"not safetensors"])
def test_a_file_that_is_not_safetensors_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "weights.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"weights.safetensors: cannot be read as safetensors"):
        load_weights(create_backbone(ARCHITECTURE), path)


def test_an_unknown_architecture_is_named() -> None:
    with pytest.raises(UserError, match="timm knows no model 'resnet_of_lesions'"):
        create_backbone("resnet_of_lesions")
