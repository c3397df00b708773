"""Lesion segmentation decoded from the features of a frozen classifier."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models.efficientnet import EfficientNet
from torch import Tensor, nn
from torch.nn import functional

from ml.errors import UserError

STRIDES = (8, 16, 32)
"""Strides of the features that are read, each from the last block of that stride of an EfficientNet."""

CHANNELS = 24


class LesionDecoder(nn.Module):
    """Decodes features of ``STRIDES`` to lesion logits at 1/8 of the input's size; positive is lesion.

    Each stage is reduced by a 1×1 convolution, upsampled bilinearly to the finest, and summed (after Kirillov et al.,
    "Panoptic Feature Pyramid Networks", CVPR 2019); two small convolutions read the sum.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.narrow = nn.ModuleList(nn.Conv2d(width, CHANNELS, 1) for width in widths)
        self.mix = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.decide = nn.Conv2d(CHANNELS, 1, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Logits (N, h_0, w_0) from features (N, C_i, h_i, w_i), the finest first."""
        size = features[0].shape[-2:]
        total = self.narrow[0](features[0])
        for narrow, coarse in zip(self.narrow[1:], features[1:], strict=True):
            total = total + functional.interpolate(narrow(coarse), size=size, mode="bilinear", align_corners=False)
        logits: Tensor = self.decide(functional.relu(self.mix(functional.relu(total))))
        return logits[:, 0]


def create_decoder(backbone: nn.Module) -> LesionDecoder:
    """Create a decoder for a backbone; raises ``UserError`` if that is no EfficientNet."""
    return LesionDecoder([stage["num_chs"] for stage in _find_stages(backbone)])


def load_decoder(backbone: nn.Module, path: Path) -> LesionDecoder:
    """Load a decoder written by ``ml.training.segmentation``; raises ``UserError`` if it does not fit."""
    decoder = create_decoder(backbone)
    try:
        decoder.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise UserError(
            f"{path}: cannot be read as this network's mask decoder; train it by python -m ml train-decoder"
        ) from error
    return decoder.eval()


def run_blocks(backbone: nn.Module, normalised: Tensor) -> list[Tensor]:
    """Output (N, C, h, w) of each block of an EfficientNet for a batch (N, 3, S, S), the finest first."""
    network: Any = backbone
    features = network.bn1(network.conv_stem(normalised))
    given = []
    for block in network.blocks:
        features = block(features)
        given.append(features)
    return given


def tap(backbone: nn.Module, blocks: Sequence[Tensor]) -> list[Tensor]:
    """Select the blocks' outputs that the decoder reads."""
    return [blocks[int(stage["module"].removeprefix("blocks."))] for stage in _find_stages(backbone)]


def _find_stages(backbone: nn.Module) -> list[dict[str, Any]]:
    """timm's description of the last block of each of ``STRIDES``."""
    if not isinstance(backbone, EfficientNet):
        raise UserError("architecture: only an EfficientNet's features are decoded into a mask; choose one of them")
    described: Any = backbone.feature_info
    return [stage for stage in described if stage["reduction"] in STRIDES]
