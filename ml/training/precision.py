"""Which precision trains faster on this machine: processors differ by a factor of ten."""

import time

import torch
from torch import nn
from torch.nn import functional

from ml.models.backbone import create_backbone, to_channels_last
from ml.training.config import TrainingConfig

TIMED_STEPS = 3
PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed"}
"""Names in the configuration and Lightning's."""


def time_precisions(config: TrainingConfig) -> dict[str, dict[str, float]]:
    """Milliseconds a training image (forward, backward, update) by precision and then by input size."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    sizes = sorted({stage.size for stage in config.stages})
    model = to_channels_last(create_backbone(config.architecture)).to(device).train()
    return {
        name: {str(size): _time_steps(model, name == "bf16", size, config.batch_size, device) for size in sizes}
        for name in PRECISIONS
    }


def choose_precision(config: TrainingConfig, timings: dict[str, dict[str, float]]) -> str:
    """The precision with the least time for all epochs of all stages."""
    return min(timings, key=lambda name: sum(stage.epochs * timings[name][str(stage.size)] for stage in config.stages))


def _time_steps(model: nn.Module, reduced: bool, size: int, batch_size: int, device: torch.device) -> float:  # noqa: FBT001
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)
    images = torch.randn(batch_size, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)
    targets = torch.zeros(batch_size, dtype=torch.long, device=device)
    seconds = []
    for _ in range(TIMED_STEPS + 1):
        start = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=reduced):
            logits = model(images)
        functional.cross_entropy(logits.float(), targets).backward()
        optimizer.step()
        optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return round(1000 * min(seconds[1:]) / batch_size, 2)
