"""Surgery on a bundle's ONNX graph, to run it at other sizes than exported; needs the package onnx."""

from collections.abc import Callable

import numpy as np
import onnx
from onnx.utils import Extractor

from ml.bundle.folder import Bundle
from ml.bundle.manifest import ONNX_FILE
from ml.errors import UserError
from ml.serve.runtime.base import OUTPUT_NAMES, Outputs, UInt8Batch, name_outputs
from ml.serve.runtime.onnx import open_session

STRIDE = 32
"""Sides must be multiples of this: the padding was fixed at export and is the same for these only."""

SIZED = ("late_statistics", "mask")
"""Outputs with the exported size built in."""


def free_size(bundle: Bundle) -> onnx.ModelProto:
    """The graph for views (N, S, S, 3) uint8 of any S allowed by ``check_side``, without the outputs in ``SIZED``.

    Weights and operations are unchanged.
    """
    model = onnx.load_model_from_string(bundle.read(ONNX_FILE))
    outputs = [output.name for output in model.graph.output if output.name not in SIZED]
    return _extract(model, "views", outputs, sides=(1, 2))


def cut_bare_network(bundle: Bundle) -> onnx.ModelProto:
    """The network alone, from normalised pixels (N, 3, S, S) float32 to logits; S as for ``free_size``."""
    model = onnx.load_model_from_string(bundle.read(ONNX_FILE))
    first = next(node for node in model.graph.node if node.op_type == "Conv")
    for node in model.graph.node:
        if node.op_type == "Shape" and node.input[0] == "views":  # the number of views, the leading dimension of both
            node.input[0] = first.input[0]
    return _extract(model, first.input[0], ["logits"], sides=(2, 3))


def open_bare_network(bundle: Bundle, side: int) -> Callable[[], object]:
    """A function that runs ``cut_bare_network`` once on one noise image of that side, on one thread."""
    check_side(side)
    session = open_session(cut_bare_network(bundle).SerializeToString(), threads=1)
    pixels = np.random.default_rng(0).uniform(-1, 1, (1, 3, side, side)).astype(np.float32)
    given = {session.get_inputs()[0].name: pixels}
    return lambda: session.run(None, given)


class FreeSizeRuntime:
    """The graph at any size allowed by ``check_side``, without the outputs in ``SIZED``.

    With ``mirrored``, a batch of V views gives 2 V rows, those of the mirror images last.
    """

    name = "onnx"

    def __init__(self, bundle: Bundle, *, mirrored: bool = False, threads: int = 1) -> None:
        check_side(bundle.manifest.input.size)
        self._session = open_session(free_size(bundle).SerializeToString(), threads)
        self._names = [name for name in OUTPUT_NAMES if name not in SIZED]
        self._mirrored = mirrored

    def run(self, batch: UInt8Batch) -> Outputs:
        """Run views (N, S, S, 3) uint8, and their mirror images if configured, through the network."""
        views = np.concatenate((batch, batch[:, :, ::-1])) if self._mirrored else batch
        arrays = self._session.run(self._names, {"views": views})
        return name_outputs([*arrays, np.empty((len(views), 0), np.float32)])


def check_side(side: int) -> None:
    """Raise ``UserError`` for a side at which the graph would compute wrongly."""
    if side < STRIDE or side % STRIDE:
        raise UserError(f"a side of {side} px cannot be read; give a multiple of {STRIDE}")


def _extract(model: onnx.ModelProto, start: str, outputs: list[str], sides: tuple[int, int]) -> onnx.ModelProto:
    """Extract the subgraph from ``start`` to ``outputs``; the input dimensions ``sides`` become symbolic."""
    part = Extractor(model).extract_model([start], outputs)
    del part.graph.value_info[:]
    (given,) = part.graph.input
    given.name, dimensions = start, given.type.tensor_type.shape.dim
    for axis in sides:
        dimensions[axis].dim_param = "side"
    for output in part.graph.output:
        output.type.tensor_type.ClearField("shape")
    return part
