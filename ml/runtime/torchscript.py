"""TorchScript, on CUDA where there is one."""

import warnings
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch.backends import cudnn

from ml.bundle import TORCHSCRIPT_FILE, Bundle
from ml.runtime.base import Outputs, UInt8Batch


class TorchScriptRuntime:
    """The bundle's traced network, its weights widened to float32 and frozen."""

    name = "torchscript"

    def __init__(self, bundle: Bundle, threads: int = 1, device: str | None = None) -> None:
        torch.set_num_threads(threads)
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, module="torch.jit")
            warnings.filterwarnings("ignore", category=DeprecationWarning, module="torch.jit")
            path = str(bundle.path / TORCHSCRIPT_FILE)
            module = torch.jit.load(path, map_location=self._device)  # type: ignore[no-untyped-call]  # torch's
            self._module = torch.jit.freeze(module.float().eval())

    def run(self, batch: UInt8Batch) -> Outputs:
        """Run views (N, S, S, 3) uint8 through the network."""
        with torch.inference_mode(), self._in_full_precision():
            outputs = self._module(torch.from_numpy(np.ascontiguousarray(batch)).to(self._device))
        return Outputs(*(output.cpu().numpy() for output in outputs))

    def _in_full_precision(self) -> AbstractContextManager[None]:
        """On CUDA, no TF32: its ten-bit products would fail the parity with ONNX Runtime."""
        if self._device.type != "cuda":
            return nullcontext()
        return cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
