"""A trained timm network to a bundle's two graphs.

Batch norm is folded into the convolutions and the weights are rounded to fp16 once; TorchScript and ONNX are exported
from that one network, so that they agree. Both graphs store fp16 and compute in fp32.
"""

import io
import json
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from timm.models.efficientnet import EfficientNet
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ml.attribution import MASK_DECODER, credit_contents
from ml.bundle import (
    ATTRIBUTION_FILE,
    ONNX_FILE,
    SCHEMA_VERSION,
    TORCHSCRIPT_FILE,
    Bundle,
    BundleError,
    Manifest,
    synthetic_view,
    write_manifest,
)
from ml.draft import mark_unfinished
from ml.hashing import hash_file
from ml.models.segmentation import LesionDecoder, run_blocks, tap
from ml.preprocess import PREPROCESSING_VERSION, InputSpec
from ml.runtime import OUTPUT_NAMES, open_runtime
from ml.taxonomy import CLASSES, MALIGNANT

ONNX_OPSET = 18
PARITY_TOLERANCE = 1e-4
SELF_TEST_TOLERANCE = 1e-3  # processors differ in the order of their sums
FOLDING_TOLERANCE = 1e-3
SMALLEST_HALVED = 64  # initialisers of fewer numbers are shapes and scalars


class ServedNetwork(nn.Module):
    """A timm classifier as it is served: views (N, S, S, 3) uint8 in; what ``ml.runtime.Outputs`` holds out, the mask
    only where there is a decoder."""

    def __init__(self, model: nn.Module, spec: InputSpec, decoder: LesionDecoder | None = None) -> None:
        super().__init__()
        self.model = model
        self.decoder = decoder
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(spec.std).view(1, 3, 1, 1) * 255)

    def forward(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Normalise, run, and map: (N, 7), (N, D), (N, 7, h, w), (N, 2C) and perhaps (N, h', w') float32."""
        model: Any = self.model
        mean, std = cast("Tensor", self.mean), cast("Tensor", self.std)
        blocks, features = run_stages(model, (batch.permute(0, 3, 1, 2).to(torch.float32) - mean) / std)
        late = blocks[-2] if len(blocks) > 1 else features
        embedding = model.forward_head(features, pre_logits=True)
        classifier = model.get_classifier()
        activation_map = nn.functional.conv2d(features, classifier.weight[:, :, None, None])
        deviation, average = torch.std_mean(late.flatten(2), dim=2, correction=0)
        outputs = (classifier(embedding), embedding, activation_map, torch.cat((average, deviation), dim=1))
        return outputs if self.decoder is None else (*outputs, self.decoder(tap(model, blocks)))


def run_stages(model: nn.Module, normalised: Tensor) -> tuple[list[Tensor], Tensor]:
    """What each block of an EfficientNet gives, and the last features, all (N, C, h, w).

    The last block but one tells kinds of pictures apart better than the last features, which know lesions. Of other
    architectures no blocks are given.
    """
    network: Any = model
    if not isinstance(model, EfficientNet):
        return [], network.forward_features(normalised)
    blocks = run_blocks(network, normalised)
    return blocks, network.bn2(network.conv_head(blocks[-1]))


def export_bundle(
    model: nn.Module, out: Path, manifest_fields: dict[str, Any], decoder: LesionDecoder | None = None
) -> Bundle:
    """Write both graphs and the manifest to directory ``out``, as a bundle that is not finished, and load them back.

    With a ``decoder`` the graphs give masks of the lesion too. ``manifest_fields`` are the manifest's keys that the
    network does not tell; the text of ``attribution``, with a decoder's credit, is written beside it too. Raises
    ``BundleError`` when the two graphs differ by more than 1e-4.
    """
    out.mkdir(parents=True, exist_ok=True)
    mark_unfinished(out)
    spec: InputSpec = manifest_fields["input"]
    network = prepare(model, spec, decoder)
    views = torch.from_numpy(synthetic_view(spec.size)).repeat(2, 1, 1, 1)
    names = OUTPUT_NAMES if decoder is not None else OUTPUT_NAMES[:-1]
    _export_onnx(network, views, names, out / ONNX_FILE)
    with torch.inference_mode():
        logits = network(views)[0][0]
    _save_torchscript(trace(network, views).half(), out / TORCHSCRIPT_FILE)
    attribution = credit_contents(manifest_fields["attribution"], () if decoder is None else (MASK_DECODER,))
    (out / ATTRIBUTION_FILE).write_text(attribution, encoding="utf-8")
    manifest = Manifest.from_dict(
        _as_json(manifest_fields)
        | {
            "schema_version": SCHEMA_VERSION,
            "attribution": attribution,
            "classes": list(CLASSES),
            "malignant": list(MALIGNANT),
            "preprocessing_version": PREPROCESSING_VERSION,
            "files": {name: hash_file(out / name) for name in (ONNX_FILE, TORCHSCRIPT_FILE, ATTRIBUTION_FILE)},
            "self_test": {"logits": [round(float(value), 6) for value in logits], "tolerance": SELF_TEST_TOLERANCE},
        }
    )
    bundle = write_manifest(out, manifest)
    check_parity(bundle)
    return bundle


def prepare(model: nn.Module, spec: InputSpec, decoder: LesionDecoder | None = None) -> ServedNetwork:
    """Fold batch norm and round every weight to fp16 (kept as fp32), checking that the fold changed nothing."""
    model = model.eval().cpu().float()
    example = torch.linspace(-1, 1, 3 * spec.size * spec.size).view(1, 3, spec.size, spec.size)
    with torch.no_grad():
        before = model(example)
        fold_batch_norms(model)
        difference = float((model(example) - before).abs().max())
    if difference > FOLDING_TOLERANCE:
        raise BundleError(
            f"Folding batch norm changed the logits by {difference:.2g}; this architecture cannot be exported."
        )
    network = ServedNetwork(model, spec, decoder).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.half().float())
            parameter.requires_grad = False
    return network


def fold_batch_norms(module: nn.Module) -> None:
    """Fold each batch norm into the convolution that stands just before it; timm's keeps its activation."""
    previous: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and previous is not None and isinstance(previous[1], nn.Conv2d):
            setattr(module, previous[0], fuse_conv_bn_eval(previous[1], child))
            setattr(module, name, nn.Sequential(*child.children()))
        else:
            fold_batch_norms(child)
        previous = (name, child)


def trace(network: nn.Module, views: Tensor) -> torch.jit.ScriptModule:
    """TorchScript of a network by tracing; the number of views stays free, their size does not."""
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # tracing is deprecated, and pads by the fixed size of the views
        return cast("torch.jit.ScriptModule", torch.jit.trace(network, views))  # type: ignore[no-untyped-call]  # torch's


def check_parity(bundle: Bundle) -> float:
    """The largest difference of the two runtimes' outputs on the synthetic view; over 1e-4 is a ``BundleError``."""
    views = synthetic_view(bundle.manifest.input.size)
    one, other = (open_runtime(bundle, name).run(views) for name in ("onnx", "torchscript"))
    pairs = ((getattr(one, name), getattr(other, name)) for name in OUTPUT_NAMES)
    difference = max(float(np.abs(left - right).max(initial=0)) for left, right in pairs)
    if not difference <= PARITY_TOLERANCE:
        raise BundleError(f"{bundle.path}: the two graphs differ by {difference:.2g} (limit {PARITY_TOLERANCE:.0e}).")
    return difference


def _save_torchscript(module: torch.jit.ScriptModule, path: Path) -> None:
    """Save without the records that hold source paths of this machine, and with fixed dates."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # saving is deprecated too
        torch.jit.save(module, buffer)
    with zipfile.ZipFile(buffer) as archive, zipfile.ZipFile(path, "w") as kept:
        for name in archive.namelist():
            if not name.endswith(".debug_pkl"):
                kept.writestr(zipfile.ZipInfo(name), archive.read(name))


def _export_onnx(network: nn.Module, views: Tensor, names: Sequence[str], path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own calls of deprecated functions
        program = torch.onnx.export(
            network,
            (views,),
            input_names=["views"],
            output_names=list(names),
            opset_version=ONNX_OPSET,
            dynamic_shapes={"batch": {0: torch.export.Dim("views_count", min=1, max=4096)}},
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise BundleError("torch.onnx.export gave no program; export with the pinned torch.")
    graph = program.model_proto
    store_halved(graph)
    for part in (graph, graph.graph, *graph.graph.node, *graph.graph.value_info):  # where this machine's paths stand
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.checker.check_model(graph)
    onnx.save(graph, path)


def store_halved(model: onnx.ModelProto) -> None:
    """Store a graph's float32 weights as float16 with a cast behind each; the runtime undoes it once, at load."""
    graph = model.graph
    casts = []
    for initialiser in graph.initializer:
        if initialiser.data_type != onnx.TensorProto.FLOAT or np.prod(initialiser.dims) < SMALLEST_HALVED:
            continue
        name = initialiser.name
        halved = numpy_helper.from_array(numpy_helper.to_array(initialiser).astype(np.float16), f"{name}_half")
        initialiser.CopyFrom(halved)
        casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _as_json(fields: dict[str, Any]) -> dict[str, Any]:
    """Manifest fields, some of them dataclasses, as parsed JSON has them."""
    return cast("dict[str, Any]", json.loads(json.dumps(fields, default=asdict)))
