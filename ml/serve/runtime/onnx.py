"""ONNX Runtime on the CPU."""

from typing import Any

import onnxruntime

from ml.bundle.folder import Bundle
from ml.bundle.manifest import ONNX_FILE
from ml.serve.runtime.base import OUTPUT_NAMES, Outputs, UInt8Batch, name_outputs

ERRORS_ONLY = 3


class OnnxRuntime:
    """A CPU session on the bundle's ONNX graph, or on the bytes of another; one thread means the caller's."""

    name = "onnx"

    def __init__(self, bundle: Bundle, threads: int = 1, *, graph: bytes | None = None) -> None:
        self._session = open_session(bundle.read(ONNX_FILE) if graph is None else graph, threads)
        available = {output.name for output in self._session.get_outputs()}
        self._names = [name for name in OUTPUT_NAMES if name in available]

    def run(self, batch: UInt8Batch) -> Outputs:
        """Run views (N, S, S, 3) uint8 through the network."""
        return name_outputs(self._session.run(self._names, {"views": batch}))


def open_session(model: bytes, threads: int) -> Any:
    """Open a CPU session on the bytes of a graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
