"""A graph that is right on the known picture of the self-test, and on no other, is not opened."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from ml.build.export import check_parity
from ml.bundle.folder import DEFAULT_BUNDLE, Bundle, drawn_view, load_bundle, synthetic_view
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import ONNX_FILE, TORCHSCRIPT_FILE, BundleError
from ml.serve.runtime import open_runtime


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle"))


def take_over(path: Path, name: str) -> Bundle:
    """The bundle whose manifest was made to fit one changed file, and which somebody trusts."""
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][name] = hash_file(path / name)
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return load_bundle(path, trusted=[hash_file(path / "manifest.json")])


def test_a_graph_that_answers_every_picture_as_the_known_one_is_refused(copy: Path, bundle: Bundle) -> None:
    graph = onnx.load(copy / ONNX_FILE)
    (last,) = (node for node in graph.graph.node if "logits" in node.output)
    last.output[list(last.output).index("logits")] = "network"
    known = np.array(bundle.manifest.self_test.logits, np.float32)
    graph.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.float32), "nothing"))
    graph.graph.initializer.append(numpy_helper.from_array(known, "known"))
    graph.graph.node.append(helper.make_node("Mul", ["network", "nothing"], ["silenced"]))
    graph.graph.node.append(helper.make_node("Add", ["silenced", "known"], ["logits"]))
    onnx.save(graph, copy / ONNX_FILE)
    with pytest.raises(BundleError, match="answers different pictures alike"):
        open_runtime(take_over(copy, ONNX_FILE), "onnx")


class RightOnce(nn.Module):
    """The network for the picture of the self-test, and another for all others."""

    known: Tensor

    def __init__(self, network: torch.jit.ScriptModule, known: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("known", known)

    def forward(self, views: Tensor) -> list[Tensor]:
        """The outputs of a bundle's network."""
        outputs = list(self.network(views))
        others = torch.ne(views, self.known).flatten(1).any(1, keepdim=True)
        outputs[0] = outputs[0] + others * 0.5
        return outputs


def test_two_graphs_that_agree_on_the_known_picture_alone_are_refused(copy: Path, bundle: Bundle) -> None:
    path = copy / TORCHSCRIPT_FILE
    known = torch.from_numpy(synthetic_view(bundle.manifest.input.size))
    network = torch.jit.load(str(path)).float()  # type: ignore[no-untyped-call] # torch's
    views = torch.cat((known, 255 - known))
    traced = torch.jit.trace(RightOnce(network, known), views, strict=False)  # type: ignore[no-untyped-call] # torch's
    torch.jit.save(traced, str(path))
    changed = take_over(copy, TORCHSCRIPT_FILE)
    with pytest.raises(BundleError, match=r"two graphs differ by 0\.5 on another picture"):
        open_runtime(changed, "torchscript")
    with pytest.raises(BundleError, match="two graphs differ"):
        check_parity(changed)


def test_another_bundle_is_shown_another_picture() -> None:
    one, other = drawn_view(64, "a" * 64), drawn_view(64, "b" * 64)
    assert one.shape == synthetic_view(64).shape
    assert one.dtype == synthetic_view(64).dtype
    np.testing.assert_array_equal(one, drawn_view(64, "a" * 64))
    assert np.abs(one.astype(int) - other).mean() > 10
