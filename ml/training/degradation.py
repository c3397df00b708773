"""Degradation of image quality as by cameras, software and networks: blur, noise, resampling, JPEG compression.

Implemented as tensor operations, for whole batches on any device.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from ml.training.config import Degradation

BLOCK = 8
QUALITIES = (40.0, 95.0)
SCALES = (0.5, 1.0)
"""Range of the intermediate side, relative to the original."""
BLURS = (0.3, 1.1)
"""Range of the standard deviation, in pixels."""
NOISES = (1.0, 6.0)
"""Range of the standard deviation, of 255."""
SHARPENINGS = (0.3, 1.5)
"""Range of the share of what a blur by one pixel removes that is added once more."""
QUALITIES_BY_KIND = (40.0, 92.0)
REACH = 4
"""Pixels to each side that a blur takes in."""
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


def degrade_by_kind(pixels: Tensor, config: Degradation) -> Tensor:
    """Degrade images (N, H, W, 3) uint8, each by kinds and strengths of its own, drawn uniformly.

    Nothing is drawn for a kind whose share is 0, so that earlier runs stay reproducible.
    """
    if not config.is_on:
        return pixels
    with torch.autocast(pixels.device.type, enabled=False):  # bf16 is coarser than the tables
        images = pixels.permute(0, 3, 1, 2).float() / 255
        images = _apply(images, config.blur, BLURS, blur_batch)
        images = _apply(images, config.resample, SCALES, _resample_each)
        images = _apply(images, config.noise, NOISES, add_noise_batch)
        images = _apply(images, config.sharpen, SHARPENINGS, sharpen_batch)
        images = _apply(
            images, config.compress, QUALITIES_BY_KIND, partial(_compress_on_grids, same_grid=config.same_grid)
        )
    return (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def _apply(
    images: Tensor, share: float, strengths: tuple[float, float], alter: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Alter so large a share of images (N, 3, H, W), each with a strength of its own."""
    if share == 0:
        return images
    chosen = torch.rand(len(images), device=images.device) < share
    if not chosen.any():
        return images
    altered = images.clone()
    altered[chosen] = alter(images[chosen], torch.empty(int(chosen.sum()), device=images.device).uniform_(*strengths))
    return altered


def blur_batch(images: Tensor, deviation: Tensor) -> Tensor:
    """Blur (N, 3, H, W) by Gaussians of standard deviation (N,) in pixels, with the border mirrored."""
    offsets = torch.arange(-REACH, REACH + 1, device=images.device)
    weights = torch.exp(-0.5 * (offsets / deviation[:, None]) ** 2)
    weights = (weights / weights.sum(dim=1, keepdim=True))[..., None, None, None]
    height, width = images.shape[-2:]
    padded = functional.pad(images, (REACH,) * 4, mode="reflect")
    rows = sum(weights[:, at] * padded[:, :, at : at + height] for at in range(len(offsets)))
    assert isinstance(rows, Tensor)
    blurred = sum(weights[:, at] * rows[..., at : at + width] for at in range(len(offsets)))
    assert isinstance(blurred, Tensor)
    return blurred


def add_noise_batch(images: Tensor, deviation: Tensor) -> Tensor:
    """Add normal noise of standard deviation (N,), of 255, to every value of (N, 3, H, W)."""
    return (images + torch.randn_like(images) * deviation[:, None, None, None] / 255).clamp(0, 1)


def sharpen_batch(images: Tensor, share: Tensor) -> Tensor:
    """Unsharp masking: add ``share`` (N,) of what a blur by one pixel removes from (N, 3, H, W)."""
    removed = images - blur_batch(images, torch.ones_like(share))
    return (images + share[:, None, None, None] * removed).clamp(0, 1)


def _resample_each(images: Tensor, scale: Tensor) -> Tensor:
    return torch.cat([resample_batch(image[None], each) for image, each in zip(images, scale.tolist(), strict=True)])


def _compress_on_grids(images: Tensor, quality: Tensor, *, same_grid: float) -> Tensor:
    """Compress (N, 3, H, W), this share of them on the grid of the pixels, the others on one moved grid."""
    on_same = torch.rand(len(images), device=images.device) < same_grid
    down, right = (int(torch.randint(1, 2 * BLOCK, ())) for _ in range(2))
    compressed = torch.empty_like(images)
    for chosen, move in ((on_same, (0, 0)), (~on_same, (down, right))):
        if chosen.any():
            compressed[chosen] = compress_moved(images[chosen], quality[chosen], *move)
    return compressed


def compress_moved(images: Tensor, quality: Tensor, down: int, right: int) -> Tensor:
    """Compress as ``compress_batch``, with the image that many pixels further down and right on the grid of blocks."""
    height, width = images.shape[-2:]
    moved = functional.pad(images, (right, 0, down, 0), mode="replicate")
    return compress_batch(moved, quality)[:, :, down : down + height, right : right + width]


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
