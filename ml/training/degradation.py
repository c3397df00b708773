"""Degradation of image quality as by cameras, software and networks: resampling and JPEG compression.

Implemented as tensor operations, for whole batches on any device.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 8
QUALITIES = (40.0, 95.0)
SCALES = (0.5, 1.0)
"""Range of the intermediate side, relative to the original."""
LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * BLOCK,) * 4,
)
"""Quantisation tables at quality 50: Annex K of ITU-T T.81."""
TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""JFIF colour transform (ITU-T T.871)."""


def degrade(pixels: Tensor, probability: float) -> Tensor:
    """Resample and compress each image of (N, H, W, 3) uint8 with this probability.

    Scale, one for the batch, and quality, one for each image, are drawn uniformly.
    """
    if probability == 0:
        return pixels  # without drawing, so that earlier runs stay reproducible
    chosen = torch.rand(len(pixels), device=pixels.device) < probability
    if not chosen.any():
        return pixels
    scale = float(torch.empty(()).uniform_(*SCALES))
    quality = torch.empty(int(chosen.sum()), device=pixels.device).uniform_(*QUALITIES)
    with torch.autocast(pixels.device.type, enabled=False):  # bf16 is coarser than the tables
        images = pixels[chosen].permute(0, 3, 1, 2).float() / 255
        altered = compress_batch(resample_batch(images, scale), quality)
    degraded = pixels.clone()
    degraded[chosen] = (altered * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    return degraded


def resample_batch(images: Tensor, scale: float) -> Tensor:
    """Shrink (N, 3, H, W) to ``scale`` of its sides and enlarge it again."""
    height, width = images.shape[-2:]
    shrunk = (round(height * scale), round(width * scale))
    small = functional.interpolate(images, shrunk, mode="bilinear", antialias=True, align_corners=False)
    return functional.interpolate(small, (height, width), mode="bicubic", align_corners=False).clamp(0, 1)


def compress_batch(images: Tensor, quality: Tensor) -> Tensor:
    """Simulate JPEG compression of (N, 3, H, W), 0 to 1, at quality (N,) from 1 to 100.

    Chroma has half the resolution; incomplete blocks are padded by repeating the border.
    """
    height, width = images.shape[-2:]
    unit = 2 * BLOCK  # side of a block of chroma
    full = functional.pad(images, (0, -width % unit, 0, -height % unit), mode="replicate")
    matrix = images.new_tensor(TO_YCBCR)
    planes = torch.einsum("cd,ndhw->nchw", matrix, full) * 255
    factor = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality) / 100
    luma = _quantise(planes[:, :1] - 128, images.new_tensor(LUMA_TABLE), factor) + 128
    chroma = _quantise(functional.avg_pool2d(planes[:, 1:], 2), images.new_tensor(CHROMA_TABLE), factor)
    planes = torch.cat((luma, functional.interpolate(chroma, scale_factor=2, mode="bilinear")), dim=1)
    shown = torch.einsum("cd,ndhw->nchw", torch.linalg.inv(matrix), planes) / 255
    return shown[:, :, :height, :width].clamp(0, 1)


def _quantise(planes: Tensor, table: Tensor, factor: Tensor) -> Tensor:
    """Round the DCT coefficients of (N, C, H, W), 8 by 8, to multiples of ``table`` times ``factor`` (N,)."""
    count, channels, height, width = planes.shape
    steps = (table * factor[:, None, None] + 0.5).floor().clamp(1, 255)[:, None, None, None]
    cosines = _make_cosines(planes.device)
    blocks = planes.reshape(count, channels, height // BLOCK, BLOCK, width // BLOCK, BLOCK).transpose(3, 4)
    coefficients = cosines @ blocks @ cosines.T
    restored = cosines.T @ ((coefficients / steps).round() * steps) @ cosines
    return restored.transpose(3, 4).reshape(planes.shape)


def _make_cosines(device: torch.device) -> Tensor:
    """The orthonormal DCT-II matrix (8, 8)."""
    positions = torch.arange(BLOCK, device=device, dtype=torch.float32)
    matrix = torch.cos(math.pi * (positions + 0.5) * positions[:, None] / BLOCK) * math.sqrt(2 / BLOCK)
    matrix[0] /= math.sqrt(2)
    return matrix
