"""Export changes a network's answers by no more than the rounding of its weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import timm
import torch
from torch import nn

from ml.build.assemble import UNKNOWN_LIMITS, rehearse_export
from ml.build.export import check_parity, export_bundle, fold_batch_norms, has_heat_map, map_classes
from ml.build.ship import ARCHITECTURE, describe_shipped
from ml.bundle.attribution import CREDITS, MASK_DECODER, credit_contents
from ml.bundle.folder import Bundle
from ml.bundle.manifest import DataSource, InputSpec, Prior, ViewSpec
from ml.errors import UserError
from ml.networks.backbone import create_backbone
from ml.networks.segmentation import create_decoder
from ml.serve.predictor import Predictor
from ml.serve.runtime import open_runtime
from tests.ml.pictures import jpeg

SIZE = 64
SPEC = InputSpec(SIZE, (ViewSpec("whole", 1.0),), 4 / 3, "bicubic", (0.5, 0.4, 0.3), (0.5, 0.25, 0.2), "NHWC")


def make_network(name: str = "tf_efficientnet_lite0", **options: Any) -> nn.Module:
    """A network of random weights whose batch norms have seen something."""
    torch.manual_seed(3)
    model: nn.Module = timm.create_model(name, num_classes=7, **options)
    model.train()
    with torch.no_grad():
        for _ in range(4):
            model(torch.randn(4, 3, SIZE, SIZE))
    return model.eval()


def fields() -> dict[str, Any]:
    prior = Prior((1 / 7,) * 7, "even")
    return UNKNOWN_LIMITS | {
        "name": "tiny",
        "version": "0",
        "created": "2026-01-01",
        "architecture": "tf_efficientnet_lite0",
        "input": SPEC,
        "training_prior": prior,
        "target_prior": prior,
        "data": DataSource("none", ""),
        "training": "none",
        "licence": "none",
        "attribution": "none",
    }


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, torch.Tensor, np.ndarray[Any, Any]]:
    """A bundle, and what its network answered to a batch before it was exported."""
    model = make_network()
    batch = np.random.default_rng(4).integers(0, 256, (5, SIZE, SIZE, 3), np.uint8)
    mean, std = torch.tensor(SPEC.mean), torch.tensor(SPEC.std)
    with torch.inference_mode():
        answer = model(((torch.from_numpy(batch) / 255 - mean) / std).permute(0, 3, 1, 2))
    return export_bundle(model, tmp_path_factory.mktemp("tiny"), fields()), answer, batch


@pytest.mark.parametrize("name", ["onnx", "torchscript"])
def test_a_graph_answers_as_the_network_did(exported: tuple[Bundle, torch.Tensor, Any], name: str) -> None:
    bundle, answer, batch = exported
    logits = open_runtime(bundle, name).run(batch).logits
    scale = float(answer.abs().max())
    assert np.abs(logits - answer.numpy()).max() < 0.01 * scale


def test_late_statistics_are_means_and_deviations_of_the_last_block_but_one(exported: tuple[Bundle, Any, Any]) -> None:
    bundle, _, batch = exported
    network = make_network()
    kept: list[torch.Tensor] = []
    network.blocks[-2].register_forward_hook(lambda _module, _inputs, output: kept.append(output))  # type: ignore[index, union-attr] # timm's
    mean, std = torch.tensor(SPEC.mean), torch.tensor(SPEC.std)
    with torch.inference_mode():
        network(((torch.from_numpy(batch) / 255 - mean) / std).permute(0, 3, 1, 2))
    pixels = kept[0].flatten(2)
    expected = torch.cat((pixels.mean(2), pixels.std(2, correction=0)), dim=1).numpy()
    found = open_runtime(bundle, "onnx").run(batch).late_statistics
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


def test_the_graphs_agree(exported: tuple[Bundle, torch.Tensor, Any]) -> None:
    assert check_parity(exported[0]) <= 1e-4


def test_weights_are_stored_in_sixteen_bits(exported: tuple[Bundle, torch.Tensor, Any]) -> None:
    bundle = exported[0]
    graph = onnx.load(bundle.path / "model.onnx").graph
    large = [each for each in graph.initializer if np.prod(each.dims) >= 64]
    assert len(large) > 40
    assert {each.data_type for each in large} <= {onnx.TensorProto.FLOAT16, onnx.TensorProto.INT64}
    assert (bundle.path / "model.torchscript.pt").stat().st_size < 8_000_000


def test_an_exported_bundle_reads_a_photograph(exported: tuple[Bundle, torch.Tensor, Any]) -> None:
    reading = Predictor(exported[0], "onnx").read(jpeg())
    assert reading.probabilities.sum() == pytest.approx(1)


def test_a_mask_decoder_is_credited_where_there_is_one(exported: tuple[Bundle, Any, Any], tmp_path: Path) -> None:
    model = make_network()
    assert exported[0].manifest.attribution == "none"
    with_decoder = export_bundle(model, tmp_path, fields(), create_decoder(model))
    assert with_decoder.manifest.attribution == "none" + CREDITS[MASK_DECODER]
    assert (tmp_path / "ATTRIBUTION.md").read_text(encoding="utf-8") == with_decoder.manifest.attribution


IMAGENET = replace(SPEC, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""Numbers that half precision rounds: 255 times 0.485 is 123.675, and its nearest half is 123.6875."""


@pytest.mark.parametrize(("name", "options"), [("resnet10t", {}), ("densenet121", {"block_config": (2, 2, 2, 2)})])
def test_a_network_that_half_precision_cannot_hold_exactly_is_exported_all_the_same(
    name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    model = make_network(name, **options)
    batch = np.random.default_rng(4).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    mean, std = torch.tensor(IMAGENET.mean), torch.tensor(IMAGENET.std)
    with torch.inference_mode():
        answer = model(((torch.from_numpy(batch) / 255 - mean) / std).permute(0, 3, 1, 2))
    exported = export_bundle(model, tmp_path, fields() | {"input": IMAGENET})
    assert check_parity(exported) <= 1e-4
    assert exported.manifest.heat_map
    for runtime in ("onnx", "torchscript"):
        logits = open_runtime(exported, runtime).run(batch).logits
        assert np.abs(logits - answer.numpy()).max() < 0.01 * float(answer.abs().max())


@pytest.mark.parametrize("name", ["test_vit", "convnext_atto"])
def test_a_map_that_would_not_add_up_to_the_logits_is_left_out(name: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"img_size": SIZE} if name == "test_vit" else {}
    torch.manual_seed(3)
    model = timm.create_model(name, num_classes=7, **options).eval()
    exported = export_bundle(model, tmp_path, fields() | {"input": IMAGENET})
    assert not exported.manifest.heat_map
    outputs = open_runtime(exported, "onnx").run(np.zeros((2, SIZE, SIZE, 3), np.uint8))
    assert (outputs.activation_map == np.zeros((2, 7, 1, 1))).all()
    assert exported.manifest.outputs["embedding"] == outputs.embedding.shape[1:]


def test_a_map_of_features_laid_the_other_way_adds_up_too() -> None:
    torch.manual_seed(3)
    options: dict[str, Any] = {
        "img_size": SIZE,
        "window_size": 4,
        "embed_dim": 16,
        "depths": (1, 1),
        "num_heads": (2, 4),
    }
    model = timm.create_model("swin_tiny_patch4_window7_224", num_classes=7, **options).eval()
    normalised = torch.randn(2, 3, SIZE, SIZE)
    assert has_heat_map(model, normalised)
    with torch.no_grad():
        added = map_classes(model, model.forward_features(normalised)).mean(dim=(2, 3)) + model.head.fc.bias  # type: ignore[operator, union-attr] # timm's
        assert torch.allclose(added, model(normalised), atol=1e-5)


def test_what_would_differ_is_told_before_it_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_network("resnet10t")
    rehearse_export(model, IMAGENET, "resnet10t")
    # As it was once: every buffer in half precision.
    monkeypatch.setattr("ml.build.export.halve_exactly", lambda module: module.half())
    told = r"^architecture: resnet10t cannot be exported: the self-test on torchscript is off by .*, or --no-export$"
    with pytest.raises(UserError, match=told):
        rehearse_export(model, IMAGENET, "resnet10t")


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_050", "tf_efficientnet_lite0"])
def test_folding_leaves_no_batch_norm_and_the_answers(name: str) -> None:
    model = make_network(name)
    example = torch.randn(2, 3, SIZE, SIZE)
    with torch.no_grad():
        before = model(example)
        fold_batch_norms(model)
        after = model(example)
    assert not [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert torch.allclose(before, after, atol=1e-4 * float(before.abs().max()) + 1e-5)


def test_the_shipped_bundle_is_described_by_the_code_that_builds_it(bundle: Bundle) -> None:
    told = describe_shipped(create_backbone(ARCHITECTURE))
    origin = {name: getattr(told, name) for name in type(told).__slots__ if name != "attribution"}
    assert replace(bundle.manifest, **origin) == bundle.manifest
    assert (bundle.path / "ATTRIBUTION.md").read_text() == bundle.manifest.attribution
    assert credit_contents(bundle.manifest.attribution, ()) == told.attribution


def test_the_shipped_graph_holds_the_weights_it_says(bundle: Bundle, tmp_path: Path) -> None:
    copy = tmp_path / "model.onnx"
    copy.write_bytes((bundle.path / "model.onnx").read_bytes())
    stored = sum(int(np.prod(each.dims)) for each in onnx.load(copy).graph.initializer)
    # EfficientNet-Lite0 without its thousand-class head: 3.4 million weights.
    assert 3_300_000 < stored < 3_500_000
