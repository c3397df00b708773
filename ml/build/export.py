"""Export of a trained timm network to a bundle's two graphs.

Batch norm is folded into the convolutions and weights are rounded to fp16 once; TorchScript and ONNX are exported from
that one network, so that they agree. Both graphs store in fp16 all values that it represents exactly, and compute in
fp32.
"""

import copy
import io
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from timm.models.efficientnet import EfficientNet
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ml.bundle.attribution import MASK_DECODER, credit_contents
from ml.bundle.draft import mark_unfinished
from ml.bundle.folder import Bundle, synthetic_view, write_manifest
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import (
    ATTRIBUTION_FILE,
    ONNX_FILE,
    PREPROCESSING_VERSION,
    SCHEMA_VERSION,
    TORCHSCRIPT_FILE,
    BundleError,
    InputSpec,
    Manifest,
    SelfTest,
)
from ml.errors import UserError
from ml.networks.segmentation import LesionDecoder, run_blocks, tap
from ml.serve.runtime import OUTPUT_NAMES, Outputs, open_runtime
from ml.serve.runtime.base import describe_outputs, name_outputs, views_of_self_test
from ml.taxonomy import CLASSES, MALIGNANT

ONNX_OPSET = 18
PARITY_TOLERANCE = 1e-4
SELF_TEST_TOLERANCE = 1e-3  # the order of summation differs between processors
FOLDING_TOLERANCE = 1e-3
SMALLEST_HALVED = 64  # smaller initialisers are shapes and scalars
TOKENS = 3
"""Number of dimensions of token features, which have no height and width."""


class ServedNetwork(nn.Module):
    """A timm classifier as served: from views (N, S, S, 3) uint8 to ``ml.serve.runtime.Outputs``.

    The mask needs a decoder. With ``heat_map`` the class map is the classifier applied at each position; without it,
    where such a map would not add up to the logits, it is a single 0 per class.
    """

    def __init__(self, model: nn.Module, spec: InputSpec, decoder: LesionDecoder | None = None) -> None:
        super().__init__()
        self.model = model
        self.decoder = decoder
        self.heat_map = False
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(spec.std).view(1, 3, 1, 1) * 255)

    def forward(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Normalise, run, and map: (N, 7), (N, D), (N, 7, h, w), (N, 2C) and, with a decoder, (N, h', w') float32."""
        model: Any = self.model
        blocks, features = run_backbone(model, self.normalise(batch))
        late = blocks[-2] if len(blocks) > 1 else lay_features(model, features)
        embedding = model.forward_head(features, pre_logits=True)
        logits = model.get_classifier()(embedding)
        activation_map = map_classes(model, features) if self.heat_map else torch.zeros_like(logits)[:, :, None, None]
        deviation, average = torch.std_mean(late.flatten(2), dim=2, correction=0)
        outputs = (logits, embedding, activation_map, torch.cat((average, deviation), dim=1))
        return outputs if self.decoder is None else (*outputs, self.decoder(tap(model, blocks)))

    def normalise(self, batch: Tensor) -> Tensor:
        """Normalise views (N, S, S, 3) uint8 to the network's input (N, 3, S, S)."""
        mean, std = cast("Tensor", self.mean), cast("Tensor", self.std)
        return (batch.permute(0, 3, 1, 2).to(torch.float32) - mean) / std


def run_backbone(model: nn.Module, normalised: Tensor) -> tuple[list[Tensor], Tensor]:
    """Outputs of an EfficientNet's blocks, each (N, C, h, w), and the last features in timm's layout.

    The last block but one separates image domains better than the last features, which are specific to lesions. Other
    architectures give no blocks.
    """
    network: Any = model
    if not isinstance(model, EfficientNet):
        return [], network.forward_features(normalised)
    blocks = run_blocks(network, normalised)
    return blocks, network.bn2(network.conv_head(blocks[-1]))


def lay_features(model: nn.Module, features: Tensor) -> Tensor:
    """Last features with channels first, (N, C, h, w) or (N, C, positions).

    timm gives (N, C, h, w), (N, h, w, C) or tokens (N, T, C).
    """
    width = cast("Any", model).num_features
    if features.ndim == TOKENS:
        return features.transpose(1, 2)
    return features.permute(0, 3, 1, 2) if features.shape[1] != width and features.shape[-1] == width else features


def map_classes(model: nn.Module, features: Tensor) -> Tensor:
    """The classifier, without bias, at each position of the last features: (N, 7, h, w)."""
    classifier = cast("Any", model).get_classifier()
    return nn.functional.conv2d(lay_features(model, features), classifier.weight[:, :, None, None])


def has_heat_map(model: nn.Module, normalised: Tensor) -> bool:
    """Whether the class map adds up to the logits, so that it explains them (Zhou et al., CVPR 2016).

    It does if the classifier reads the mean of the last features directly.
    """
    network: Any = model
    with torch.no_grad():
        features, logits = network.forward_features(normalised), network(normalised)
        classifier, laid = network.get_classifier(), lay_features(network, features)
        if laid.ndim == TOKENS or laid.shape[1] != classifier.in_features:
            return False
        added = map_classes(network, features).mean(dim=(2, 3)) + classifier.bias
    return bool((added - logits).abs().max() <= FOLDING_TOLERANCE * max(1e-3, float(logits.abs().max())))


def export_bundle(
    model: nn.Module, out: Path, manifest_fields: dict[str, Any], decoder: LesionDecoder | None = None
) -> Bundle:
    """Write both graphs and the manifest to directory ``out``, as an unfinished bundle, and load it.

    With a ``decoder`` the graphs also give lesion masks. ``manifest_fields`` are the manifest's keys that the network
    does not determine; the text of ``attribution``, with a decoder's credit, is written beside it. Raises
    ``BundleError`` if the two graphs differ by more than 1e-4.
    """
    out.mkdir(parents=True, exist_ok=True)
    mark_unfinished(out)
    spec: InputSpec = manifest_fields["input"]
    try:
        network, given = _write_graphs(model, out, spec, decoder)
    except (OSError, UserError):
        raise
    except Exception as error:  # torch and its exporter raise many exceptions for an unknown operation
        reason = " ".join(str(error).split())[:160]
        raise BundleError(f"{out}: the network cannot be exported ({reason}); choose another architecture.") from error
    attribution = credit_contents(manifest_fields["attribution"], () if decoder is None else (MASK_DECODER,))
    (out / ATTRIBUTION_FILE).write_text(attribution, encoding="utf-8")
    manifest = Manifest(
        **manifest_fields
        | {
            "schema_version": SCHEMA_VERSION,
            "attribution": attribution,
            "classes": CLASSES,
            "malignant": MALIGNANT,
            "preprocessing_version": PREPROCESSING_VERSION,
            "files": {name: hash_file(out / name) for name in (ONNX_FILE, TORCHSCRIPT_FILE, ATTRIBUTION_FILE)},
            "self_test": SelfTest(tuple(round(float(value), 6) for value in given.logits[0]), SELF_TEST_TOLERANCE),
            "heat_map": network.heat_map,
            "outputs": describe_outputs(given),
        }
    )
    bundle = write_manifest(out, manifest)
    check_parity(bundle)
    return bundle


def _write_graphs(
    model: nn.Module, out: Path, spec: InputSpec, decoder: LesionDecoder | None
) -> tuple[ServedNetwork, Outputs]:
    """Write both graphs; returns their network and its outputs for the synthetic view."""
    network = prepare_network(model, spec, decoder)
    views = torch.from_numpy(synthetic_view(spec.size)).repeat(2, 1, 1, 1)
    names = OUTPUT_NAMES if decoder is not None else OUTPUT_NAMES[:-1]
    _export_onnx(network, views, names, out / ONNX_FILE)
    with torch.inference_mode():
        given = name_outputs([output.numpy() for output in network(views[:1])])
    _save_torchscript(halve_exactly(trace(network, views)), out / TORCHSCRIPT_FILE)
    return network, given


def prepare_network(model: nn.Module, spec: InputSpec, decoder: LesionDecoder | None = None) -> ServedNetwork:
    """Fold batch norms where that is exact, and round every weight to fp16 (kept as fp32).

    Buffers stay exact: they are few, and a mean of 123.675 has no fp16.
    """
    model = model.eval().cpu().float()
    example = torch.linspace(-1, 1, 3 * spec.size * spec.size).view(1, 3, spec.size, spec.size)
    folded = copy.deepcopy(model)
    with torch.no_grad():
        before = model(example)
        fold_batch_norms(folded)
        difference = float((folded(example) - before).abs().max())
    if difference <= FOLDING_TOLERANCE * max(1.0, float(before.abs().max())):
        model = folded
    network = ServedNetwork(model, spec, decoder).eval()
    network.heat_map = has_heat_map(model, example)
    with torch.no_grad():
        for parameter in network.parameters():
            halved = parameter.half().float()
            parameter.copy_(torch.where(halved.isfinite(), halved, parameter))
            parameter.requires_grad = False
    return network


def fold_batch_norms(module: nn.Module) -> None:
    """Fold each batch norm into the convolution directly before it; timm's variant keeps its activation."""
    previous: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and previous is not None and isinstance(previous[1], nn.Conv2d):
            setattr(module, previous[0], fuse_conv_bn_eval(previous[1], child))
            setattr(module, name, nn.Sequential(*child.children()))
        else:
            fold_batch_norms(child)
        previous = (name, child)


def trace(network: nn.Module, views: Tensor) -> torch.jit.ScriptModule:
    """Trace a network to TorchScript; the number of views stays dynamic, their size does not."""
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # tracing is deprecated, and warns of padding by a fixed size
        return cast("torch.jit.ScriptModule", torch.jit.trace(network, views))  # type: ignore[no-untyped-call] # torch's


def check_parity(bundle: Bundle) -> float:
    """Largest difference of the two runtimes' outputs on the views of the self-test; ``BundleError`` above 1e-4.

    Where an output exceeds 1, as a share of its largest value.
    """
    views = views_of_self_test(bundle)
    one, other = (open_runtime(bundle, name).run(views) for name in ("onnx", "torchscript"))
    pairs = ((getattr(one, name), getattr(other, name)) for name in OUTPUT_NAMES)
    difference = max(float(np.abs(left - right).max(initial=0) / np.abs(left).max(initial=1)) for left, right in pairs)
    if not difference <= PARITY_TOLERANCE:
        raise BundleError(
            f"{bundle.path}: the two graphs differ by {difference:.2g} (limit {PARITY_TOLERANCE:.0e}); choose another"
            " architecture."
        )
    return difference


def _save_torchscript(module: torch.jit.ScriptModule, path: Path) -> None:
    """Save with fixed dates, and without debug records, which hold source paths of this machine."""
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
        warnings.simplefilter("ignore")  # the exporter calls deprecated functions
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
    for part in (
        graph,
        graph.graph,
        *graph.graph.node,
        *graph.graph.value_info,
    ):  # they hold source paths of this machine
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.checker.check_model(graph)
    onnx.save(graph, path)


def halve_exactly(module: torch.jit.ScriptModule) -> torch.jit.ScriptModule:
    """Store weights and buffers in fp16 if that is exact; the runtime converts them back on loading."""
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.dtype == torch.float32 and torch.equal(tensor.data.half().float(), tensor.data):
            tensor.data = tensor.data.half()
    return module


def store_halved(model: onnx.ModelProto) -> None:
    """Store a graph's float32 weights as float16, each with a cast, if that is exact; undone once, on loading."""
    graph = model.graph
    casts = []
    for initialiser in graph.initializer:
        if initialiser.data_type != onnx.TensorProto.FLOAT or np.prod(initialiser.dims) < SMALLEST_HALVED:
            continue
        name, exact = initialiser.name, numpy_helper.to_array(initialiser)
        with np.errstate(over="ignore"):
            halved = exact.astype(np.float16)
        if not np.array_equal(halved.astype(np.float32), exact):
            continue
        initialiser.CopyFrom(numpy_helper.from_array(halved, f"{name}_half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
