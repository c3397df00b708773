"""Layers that join the training one after the other."""

import timm
from torch import nn

from ml.training.unfreezing import list_layer_groups, unfreeze


def list_trained(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_layers_join_from_the_classifier_downwards_until_all_train() -> None:
    model = timm.create_model("test_efficientnet", num_classes=7)
    everything = list_trained(model)
    trained = []
    for share in (0.01, 0.3, 0.6, 1.0):
        unfreeze(model, share)
        trained.append(list_trained(model))
    assert any(name.startswith("classifier") for name in trained[0])
    assert not any(name.startswith("conv_stem") for name in trained[0])
    assert trained[0] < trained[1] < trained[2] < trained[3] == everything


def test_every_parameter_is_in_one_group() -> None:
    model = timm.create_model("test_vit", num_classes=7)
    names = [name for group in list_layer_groups(model) for name in group]
    assert sorted(names) == sorted(name for name, _ in model.named_parameters())
