"""TorchScript, on CUDA if available."""

import io
import warnings

import numpy as np
import torch
from torch.backends import cudnn

from ml.bundle.folder import Bundle
from ml.bundle.manifest import TORCHSCRIPT_FILE
from ml.serve.runtime.base import Outputs, UInt8Batch, name_outputs


class TorchScriptRuntime:
    """The bundle's traced network, with weights converted to float32 and frozen."""

    name = "torchscript"

    def __init__(self, bundle: Bundle, threads: int = 1, device: str | None = None) -> None:
        torch.set_num_threads(threads)
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        if self._device.type == "cuda":
            compute_in_full_precision()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, module="torch.jit")
            warnings.filterwarnings("ignore", category=DeprecationWarning, module="torch.jit")
            saved = io.BytesIO(bundle.read(TORCHSCRIPT_FILE))
            module = torch.jit.load(saved, map_location=self._device)  # type: ignore[no-untyped-call] # torch's
            self._module = torch.jit.freeze(module.float().eval())

    def run(self, batch: UInt8Batch) -> Outputs:
        """Run views (N, S, S, 3) uint8 through the network."""
        with torch.inference_mode():
            outputs = self._module(torch.from_numpy(np.ascontiguousarray(batch)).to(self._device))
        return name_outputs([output.cpu().numpy() for output in outputs])


def compute_in_full_precision() -> None:
    """Switch TF32 off on CUDA: its 10-bit mantissa would break the parity with ONNX Runtime.

    The switches are global to the process and are set before anything runs.
    """
    torch.set_float32_matmul_precision("highest")
    cudnn.allow_tf32 = False
    cudnn.deterministic = True
