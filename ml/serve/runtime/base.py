"""The interface of a runtime, and the choice of one."""

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ml.bundle.folder import Bundle, drawn_view, synthetic_view
from ml.bundle.manifest import TORCHSCRIPT_FILE, BundleError
from ml.errors import UserError
from ml.taxonomy import CLASSES

UInt8Batch = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Imported by name, so that serving on ONNX Runtime needs no torch.
RUNTIME_CLASSES = {
    "onnx": ("ml.serve.runtime.onnx", "OnnxRuntime"),
    "torchscript": ("ml.serve.runtime.torchscript", "TorchScriptRuntime"),
}
CUDA_DEVICES = ("/dev/nvidiactl", "/dev/dxg")


@dataclass(frozen=True, slots=True)
class Outputs:
    """Outputs of one forward pass over N views, all float32.

    ``logits`` (N, 7), ``embedding`` (N, D), ``activation_map`` (N, 7, h, w), ``late_statistics`` (N, 2C): channel
    means, then standard deviations, of a late stage; ``mask`` (N, h', w'): lesion logits per pixel, (N, 0, 0) from a
    graph without a decoder.
    """

    logits: FloatArray
    embedding: FloatArray
    activation_map: FloatArray
    late_statistics: FloatArray
    mask: FloatArray


OUTPUT_NAMES = tuple(field.name for field in fields(Outputs))
DIMENSIONS = {"logits": 2, "embedding": 2, "activation_map": 4, "late_statistics": 2, "mask": 3}
PER_CLASS = ("logits", "activation_map")
VIEWS_OF_SELF_TEST = 2
LARGEST_SIDE = 16_384
"""Largest plausible dimension of any output."""


def name_outputs(arrays: Sequence[FloatArray]) -> Outputs:
    """Outputs from a graph's arrays in the order of ``OUTPUT_NAMES``; the mask may be missing."""
    no_mask = np.empty((len(arrays[0]), 0, 0), np.float32)
    return Outputs(*[*arrays, no_mask][: len(OUTPUT_NAMES)])


class Runtime(Protocol):
    """Runs a bundle's graph; thread-safe."""

    name: str

    def run(self, batch: UInt8Batch) -> Outputs:
        """Run views (N, S, S, 3) uint8 through the network."""
        ...


def open_runtime(bundle: Bundle, name: str = "auto", threads: int = 1) -> Runtime:
    """Open ``onnx`` or ``torchscript``; ``auto`` is TorchScript for a trusted bundle on CUDA, else ONNX.

    Runs the manifest's self-test, and a view drawn by the bundle's hash. Raises ``BundleError`` if the logits of the
    first differ, an output has not the declared shape, both views are answered alike or TorchScript answers the second
    otherwise than ONNX, or TorchScript is requested for an untrusted bundle; ``UserError`` for an unknown name.
    """
    if name != "auto" and name not in RUNTIME_CLASSES:
        raise UserError(f"INFERENCE_RUNTIME is {name!r}; it must be one of auto, {', '.join(RUNTIME_CLASSES)}.")
    chosen = _choose(trusted=bundle.trusted) if name == "auto" else name
    if chosen == "torchscript" and not bundle.trusted:
        raise BundleError(
            f"{bundle.path / TORCHSCRIPT_FILE} can run any code, and the bundle is not trusted; add "
            f"{bundle.sha256} to TRUSTED_BUNDLES, or set INFERENCE_RUNTIME to onnx."
        )
    runtime = _open(bundle, chosen, threads)
    outputs = _run_self_test(bundle, runtime)
    expected = np.array(bundle.manifest.self_test.logits, np.float32)
    difference = np.abs(outputs.logits[0] - expected).max()
    if not difference <= bundle.manifest.self_test.tolerance:  # written so that NaN fails too
        raise BundleError(
            f"{bundle.path}: the self-test on {runtime.name} is off by {difference:.2g} "
            f"(limit {bundle.manifest.self_test.tolerance:.2g}); export the bundle again."
        )
    if chosen != "onnx":
        _compare_with_onnx(bundle, outputs.logits[1])
    return runtime


def views_of_self_test(bundle: Bundle) -> UInt8Batch:
    """What a bundle is opened with (2, S, S, 3): the view whose logits its manifest has, and one drawn by its hash."""
    size = bundle.manifest.input.size
    return np.concatenate((synthetic_view(size), drawn_view(size, bundle.sha256)))


def describe_outputs(outputs: Outputs) -> dict[str, tuple[int, ...]]:
    """Shape of each non-empty output for one view, as a manifest declares it."""
    shapes = {name: getattr(outputs, name).shape[1:] for name in OUTPUT_NAMES}
    return {name: shape for name, shape in shapes.items() if np.prod(shape)}


def _run_self_test(bundle: Bundle, runtime: Runtime) -> Outputs:
    """Run the synthetic view and a drawn one; raises ``BundleError`` unless outputs are finite and as declared."""
    try:
        outputs = runtime.run(views_of_self_test(bundle))
    except Exception as error:  # onnxruntime and torch raise exceptions of their own for a graph that cannot run
        raise BundleError(f"{bundle.path}: {runtime.name} cannot run its graph; export the bundle again.") from error
    declared = bundle.manifest.outputs
    for name, dimensions in DIMENSIONS.items():
        output = getattr(outputs, name)
        fits = output.ndim == dimensions and len(output) == VIEWS_OF_SELF_TEST and max(output.shape) <= LARGEST_SIDE
        if not fits or (name in PER_CLASS and output.shape[1] != len(CLASSES)) or not np.isfinite(output).all():
            raise BundleError(f"{bundle.path}: its graph's output {name} is not what it must be; export it again.")
    if declared and declared != describe_outputs(outputs):
        raise BundleError(f"{bundle.path}: its graph's outputs are not those of its manifest; export it again.")
    if np.array_equal(*outputs.logits):
        raise BundleError(f"{bundle.path}: its graph answers different pictures alike; export it again.")
    return outputs


def _compare_with_onnx(bundle: Bundle, logits: FloatArray) -> None:
    """Raise ``BundleError`` if the ONNX graph gives other logits (7,) for the drawn view."""
    expected = _open(bundle, "onnx", 1).run(views_of_self_test(bundle)).logits[1]
    difference = np.abs(logits - expected).max()
    if not difference <= bundle.manifest.self_test.tolerance * max(1.0, float(np.abs(expected).max())):
        raise BundleError(
            f"{bundle.path}: its two graphs differ by {difference:.2g} on another picture than that of the self-test;"
            " export the bundle again."
        )


def _open(bundle: Bundle, name: str, threads: int) -> Runtime:
    module, kind = RUNTIME_CLASSES[name]
    try:
        runtime: Runtime = getattr(importlib.import_module(module), kind)(bundle, threads)
    except ModuleNotFoundError as error:
        raise UserError(
            f"The runtime {name} needs {error.name}; install requirements/ml.txt or choose onnx."
        ) from error
    except UserError:
        raise
    except Exception as error:  # onnxruntime and torch raise exceptions of their own for an unreadable graph
        raise BundleError(f"{bundle.path}: {name} cannot open its graph; export the bundle again.") from error
    return runtime


def _choose(*, trusted: bool) -> str:
    """TorchScript if torch sees a CUDA device; torch, 200 MB, is imported only if there is a driver."""
    has_driver = any(Path(device).exists() for device in CUDA_DEVICES)
    if not trusted or not has_driver or importlib.util.find_spec("torch") is None:
        return "onnx"
    return "torchscript" if importlib.import_module("torch").cuda.is_available() else "onnx"
