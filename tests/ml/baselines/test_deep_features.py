"""What a frozen network says of a picture."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from ml.baselines.deep_features import DeepFeatures
from ml.baselines.features import Picture
from ml.errors import UserError
from ml.networks.backbone import create_backbone, load_weights

ARCHITECTURE = "test_efficientnet"


def save_weights(path: Path, *, classes: int) -> Path:
    """A network's weights with a classifier of so many classes, as they are shared."""
    torch.manual_seed(3)
    state = create_backbone(ARCHITECTURE).state_dict()
    state |= {"classifier.weight": torch.ones(classes, 256), "classifier.bias": torch.ones(classes)}
    save_file({name: value for name, value in state.items() if "num_batches_tracked" not in name}, path)
    return path


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return save_weights(tmp_path / "imagenet.safetensors", classes=1000)


def make_pictures(count: int) -> list[Picture]:
    random = np.random.default_rng(5)
    return [Picture(random.integers(0, 256, (60, 80, 3), dtype=np.uint8), None) for _ in range(count)]


def test_the_embedding_is_what_the_classifier_would_get(weights: Path) -> None:
    features = DeepFeatures(ARCHITECTURE, weights, size=32, fractions=(1.0,))
    grey = Picture(np.full((48, 64, 3), 51, np.uint8), None)  # 51 / 255 = 0.2
    model = create_backbone(ARCHITECTURE)
    load_weights(model, weights)
    mean, std = (torch.tensor(model.pretrained_cfg[name])[:, None, None] for name in ("mean", "std"))  # type: ignore[index]
    with torch.inference_mode():
        pixels = (torch.full((1, 3, 32, 32), 0.2) - mean) / std
        expected = model.eval().forward_head(model.forward_features(pixels), pre_logits=True)  # type: ignore[operator]
    np.testing.assert_allclose(features.describe([grey]), expected.numpy(), rtol=1e-4, atol=1e-5)
    assert features.length == expected.shape[1] == 256


def test_views_are_averaged(weights: Path) -> None:
    pictures = make_pictures(3)
    both, near, far = (
        DeepFeatures(ARCHITECTURE, weights, size=32, fractions=fractions).describe(pictures)
        for fractions in ((0.9, 0.5), (0.5,), (0.9,))
    )
    np.testing.assert_allclose(both, (near + far) / 2, rtol=1e-4, atol=1e-5)


def test_all_that_decides_on_the_features_is_in_their_identity(weights: Path, tmp_path: Path) -> None:
    other = save_weights(tmp_path / "other.safetensors", classes=900)
    made = [
        DeepFeatures(ARCHITECTURE, weights, size=32, fractions=(0.9,)),
        DeepFeatures(ARCHITECTURE, weights, size=48, fractions=(0.9,)),
        DeepFeatures(ARCHITECTURE, weights, size=32, fractions=(0.8,)),
        DeepFeatures(ARCHITECTURE, other, size=32, fractions=(0.9,)),
    ]
    assert len({each.identity for each in made}) == 4


def test_operations_grow_with_the_square_of_the_size_and_the_number_of_views(weights: Path) -> None:
    one, larger, two = (
        DeepFeatures(ARCHITECTURE, weights, size=size, fractions=fractions).count_operations()
        for size, fractions in ((64, (0.9,)), (128, (0.9,)), (64, (0.9, 0.7)))
    )
    assert larger == pytest.approx(4 * one, rel=0.05)
    assert two == 2 * one


def test_the_operations_of_a_known_network(tmp_path: Path) -> None:
    # ResNet-18 at 224 px has 1.82 billion multiply-adds (He et al., CVPR 2016: 1.8) and 11.18 million weights without
    # its classifier.
    state = create_backbone("resnet18").state_dict() | {"fc.weight": torch.ones(1000, 512), "fc.bias": torch.ones(1000)}
    save_file(state, tmp_path / "resnet18.safetensors")
    features = DeepFeatures("resnet18", tmp_path / "resnet18.safetensors", size=224, fractions=(0.9,))
    assert features.count_operations() == pytest.approx(2 * 1.82e9, rel=0.01)
    assert features.parameters == 11_176_512


def test_weights_of_lesions_are_refused(tmp_path: Path) -> None:
    lesions = save_weights(tmp_path / "lesions.safetensors", classes=7)
    with pytest.raises(UserError, match=r"lesions\.safetensors: has a classifier of lesions"):
        DeepFeatures(ARCHITECTURE, lesions, size=32, fractions=(0.9,))
