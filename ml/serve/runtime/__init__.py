"""Running a bundle's graph: ONNX Runtime and TorchScript behind one Protocol."""

from ml.serve.runtime.base import OUTPUT_NAMES, Outputs, Runtime, UInt8Batch, open_runtime

__all__ = ["OUTPUT_NAMES", "Outputs", "Runtime", "UInt8Batch", "open_runtime"]
