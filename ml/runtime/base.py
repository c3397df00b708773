"""What a runtime is, and which one to open."""

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ml.bundle import Bundle, BundleError, synthetic_view
from ml.errors import UserError

UInt8Batch = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Imported by name, so that serving on ONNX Runtime needs no torch.
RUNTIME_CLASSES = {
    "onnx": ("ml.runtime.onnx", "OnnxRuntime"),
    "torchscript": ("ml.runtime.torchscript", "TorchScriptRuntime"),
}
CUDA_DEVICES = ("/dev/nvidiactl", "/dev/dxg")


@dataclass(frozen=True, slots=True)
class Outputs:
    """One pass over N views, all float32.

    ``logits`` (N, 7), ``embedding`` (N, D), ``activation_map`` (N, 7, h, w), ``late_statistics`` (N, 2C): means, then
    standard deviations, of a late stage's channels; ``mask`` (N, h', w'): logits of lesion, place by place. A graph of
    schema 1 gives neither of the last two, and one built without a decoder no mask: (N, 0) and (N, 0, 0).
    """

    logits: FloatArray
    embedding: FloatArray
    activation_map: FloatArray
    late_statistics: FloatArray
    mask: FloatArray


OUTPUT_NAMES = tuple(field.name for field in fields(Outputs))
ALWAYS_GIVEN = 3


def name_outputs(arrays: Sequence[FloatArray]) -> Outputs:
    """A graph's outputs in the order of ``OUTPUT_NAMES``, of which the last may be lacking."""
    count = len(arrays[0])
    lacking = (np.empty((count, 0), np.float32), np.empty((count, 0, 0), np.float32))
    return Outputs(*arrays, *lacking[len(arrays) - ALWAYS_GIVEN :])


class Runtime(Protocol):
    """Something that runs a bundle's graph; safe to call from several threads."""

    name: str

    def run(self, batch: UInt8Batch) -> Outputs:
        """Run views (N, S, S, 3) uint8 through the network."""
        ...


def open_runtime(bundle: Bundle, name: str = "auto", threads: int = 1) -> Runtime:
    """Open ``onnx`` or ``torchscript``; ``auto`` is TorchScript where there is a CUDA device, else ONNX Runtime.

    Runs the manifest's self-test; raises ``BundleError`` when its logits differ, ``UserError`` for an unknown name.
    """
    if name != "auto" and name not in RUNTIME_CLASSES:
        raise UserError(f"INFERENCE_RUNTIME is {name!r}; it must be one of auto, {', '.join(RUNTIME_CLASSES)}.")
    runtime = _open(bundle, _choose() if name == "auto" else name, threads)
    expected = np.array(bundle.manifest.self_test.logits, np.float32)
    difference = np.abs(runtime.run(synthetic_view(bundle.manifest.input.size)).logits[0] - expected).max()
    if not difference <= bundle.manifest.self_test.tolerance:  # so that NaN fails too
        raise BundleError(
            f"{bundle.path}: the self-test on {runtime.name} is off by {difference:.2g} "
            f"(limit {bundle.manifest.self_test.tolerance:.2g}); export the bundle again."
        )
    return runtime


def _open(bundle: Bundle, name: str, threads: int) -> Runtime:
    module, kind = RUNTIME_CLASSES[name]
    try:
        runtime: Runtime = getattr(importlib.import_module(module), kind)(bundle, threads)
    except ModuleNotFoundError as error:
        raise UserError(
            f"The runtime {name} needs {error.name}; install requirements/ml.txt or choose onnx."
        ) from error
    except Exception as error:  # onnxruntime and torch raise their own kinds on a graph that they cannot read
        raise BundleError(f"{bundle.path}: {name} cannot open its graph; export the bundle again.") from error
    return runtime


def _choose() -> str:
    """TorchScript where torch sees a CUDA device; torch is not imported for nothing: it takes 200 MB."""
    has_driver = any(Path(device).exists() for device in CUDA_DEVICES)
    if not has_driver or importlib.util.find_spec("torch") is None:
        return "onnx"
    return "torchscript" if importlib.import_module("torch").cuda.is_available() else "onnx"
