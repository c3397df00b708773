"""The shipped network by every runtime, for ``ml.bench``."""

import warnings
from collections.abc import Callable

import torch

from ml.build.export import ServedNetwork, fold_batch_norms, trace
from ml.bundle.folder import Bundle
from ml.bundle.manifest import TORCHSCRIPT_FILE
from ml.networks.backbone import create_backbone
from ml.networks.segmentation import create_decoder
from ml.serve.runtime import UInt8Batch, open_runtime


def list_ways(bundle: Bundle, views: UInt8Batch, threads: int) -> dict[str, Callable[[], object]]:
    """Functions that run ``views`` (N, S, S, 3) through the bundle's network, by name of the runtime."""
    torch.set_num_threads(threads)
    network = rebuild_network(bundle)
    batch = torch.from_numpy(views)
    traced = trace(network, batch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # all of TorchScript is deprecated
        frozen = torch.jit.freeze(traced)
        optimised = torch.jit.optimize_for_inference(trace(network, batch))
    onnx = open_runtime(bundle, "onnx", threads)

    def run_with(module: Callable[[torch.Tensor], object]) -> Callable[[], object]:
        def run() -> object:
            with torch.inference_mode():
                return module(batch)

        return run

    return {
        "torch eager": run_with(network),
        "traced": run_with(traced),
        "traced and frozen": run_with(frozen),
        "optimize_for_inference": run_with(optimised),
        "ONNX Runtime": lambda: onnx.run(views),
    }


def rebuild_network(bundle: Bundle) -> ServedNetwork:
    """The bundle's network as a module, with weights from the TorchScript graph."""
    model = create_backbone(bundle.manifest.architecture).eval()
    fold_batch_norms(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # all of TorchScript is deprecated
        stored = torch.jit.load(str(bundle.path / TORCHSCRIPT_FILE))  # type: ignore[no-untyped-call] # torch's
    weights = stored.float().state_dict()
    decoder = create_decoder(model) if any(name.startswith("decoder.") for name in weights) else None
    network = ServedNetwork(model, bundle.manifest.input, decoder).eval()
    network.heat_map = bundle.manifest.heat_map
    network.load_state_dict(weights)
    return network.requires_grad_(requires_grad=False)
