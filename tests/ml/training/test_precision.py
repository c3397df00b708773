"""Choosing a precision, and what makes bf16 fast on a processor."""

import copy
from pathlib import Path

import pytest
import torch

from ml.networks.backbone import create_backbone
from ml.training.config import TrainingConfig, read_config
from ml.training.precision import choose_precision, speed_up_depthwise, time_precisions


@pytest.fixture
def config(tmp_path: Path) -> TrainingConfig:
    path = tmp_path / "tiny.yaml"
    path.write_text(
        "architecture: test_efficientnet\ntrain_folds: [0]\nchoose_fold: 3\nbatch_size: 2\n"
        "stages: [{size: 32, epochs: 10}, {size: 64, epochs: 1}]\nreadings: [{size: 32, fractions: [1.0]}]\n",
        encoding="utf-8",
    )
    return read_config(path)


def test_the_precision_with_the_least_time_over_all_epochs_is_chosen(config: TrainingConfig) -> None:
    # fp32: 10 × 2 + 1 × 9 = 29; bf16: 10 × 3 + 1 × 1 = 31.
    assert choose_precision(config, {"fp32": {"32": 2.0, "64": 9.0}, "bf16": {"32": 3.0, "64": 1.0}}) == "fp32"
    # bf16 with 2.5: 10 × 2.5 + 1 = 26.
    assert choose_precision(config, {"fp32": {"32": 2.0, "64": 9.0}, "bf16": {"32": 2.5, "64": 1.0}}) == "bf16"


def test_both_precisions_are_timed_at_every_size(config: TrainingConfig) -> None:
    timings = time_precisions(config)
    assert {name: set(sizes) for name, sizes in timings.items()} == {"fp32": {"32", "64"}, "bf16": {"32", "64"}}
    assert all(value > 0 for sizes in timings.values() for value in sizes.values())


def test_slow_depthwise_convolutions_compute_in_full_precision_and_nothing_else_changes() -> None:
    torch.manual_seed(0)
    plain = create_backbone("tf_efficientnet_lite0").eval()
    quick = copy.deepcopy(plain)
    speed_up_depthwise(quick)
    images = torch.randn(2, 3, 64, 64)
    assert quick.state_dict().keys() == plain.state_dict().keys()
    with torch.inference_mode():
        torch.testing.assert_close(quick(images), plain(images))
        with torch.autocast("cpu", torch.bfloat16):
            reduced, copied = quick(images), copy.deepcopy(quick)(images)
            strided = quick.get_submodule("blocks.1.0.conv_dw")
            features = torch.randn(1, 96, 8, 8, dtype=torch.bfloat16)
            exact = strided(features)
    torch.testing.assert_close(copied, reduced)
    torch.testing.assert_close(reduced.float(), plain(images), atol=0.02, rtol=0.1)
    # The one rounding is that of the result.
    with torch.inference_mode():
        torch.testing.assert_close(exact, strided(features.float()).bfloat16(), atol=0, rtol=0)
