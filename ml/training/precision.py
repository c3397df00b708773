"""Choice of the faster training precision on this machine; processors differ by a factor of ten."""

import time

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.networks.backbone import create_backbone, to_channels_last
from ml.training.config import TrainingConfig

SLOW_KERNEL = 5
TIMED_STEPS = 3
LIGHTNING_NAMES = {"fp32": "32-true", "bf16": "bf16-mixed"}
"""Lightning's name of each precision."""


def time_precisions(config: TrainingConfig) -> dict[str, dict[str, float]]:
    """Milliseconds per training image (forward, backward, update), by precision and then by input size."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    sizes = sorted({stage.size for stage in config.stages})
    timings: dict[str, dict[str, float]] = {}
    for name in LIGHTNING_NAMES:
        model = (
            to_channels_last(create_backbone(config.architecture, options=config.architecture_options))
            .to(device)
            .train()
        )
        if name == "bf16" and device.type == "cpu":
            speed_up_depthwise(model)
        timings[name] = {str(size): _time_steps(model, name, size, config.batch_size) for size in sizes}
    return timings


def choose_precision(config: TrainingConfig, timings: dict[str, dict[str, float]]) -> str:
    """The precision with the shortest time for all epochs of all stages."""
    return min(timings, key=lambda name: sum(stage.epochs * timings[name][str(stage.size)] for stage in config.stages))


class _FullPrecision:
    """Mixed into a convolution's class: computes in fp32 inside autocast and returns the dtype of its input."""

    def forward(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            result: Tensor = super().forward(features.float())  # type: ignore[misc] # the convolution's
        return result.to(features.dtype)


def speed_up_depthwise(model: nn.Module) -> None:
    """Keep large and strided depthwise convolutions in fp32 on a CPU under bf16 autocast.

    oneDNN 3.12 has slow bf16 gradients for just these: 232 ms against 57 ms for one layer, 1.9 s against 0.7 s for a
    step of Lite0 at 128 px on one core.
    """
    for module in model.modules():
        if not isinstance(module, nn.Conv2d) or module.groups == 1:
            continue
        if module.stride != (1, 1) or module.kernel_size[0] >= SLOW_KERNEL:
            kind = type(module)
            module.__class__ = type(f"FullPrecision{kind.__name__}", (_FullPrecision, kind), {})


def _time_steps(model: nn.Module, precision: str, size: int, batch_size: int) -> float:
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)
    images = torch.randn(batch_size, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)
    targets = torch.zeros(batch_size, dtype=torch.long, device=device)
    seconds = []
    for _ in range(TIMED_STEPS + 1):
        start = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            logits = model(images)
        functional.cross_entropy(logits.float(), targets).backward()  # type: ignore[no-untyped-call] # torch's
        optimizer.step()
        optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return round(1000 * min(seconds[1:]) / batch_size, 2)
