"""Augmentation of whole batches by tensor operations, identical on CPU and GPU and without worker processes."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ml.training.config import Augmentation

LUMA = (0.299, 0.587, 0.114)
MAX_SHRINK = 1.5
"""Source pixels per output pixel beyond which a copy of half the size is sampled instead, against aliasing."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Source of each output pixel; all (N,).

    Centre and extent of the crop in source pixels, mirror signs (−1, 1), number of quarter turns, and a further
    rotation in radians.
    """

    centre_x: Tensor
    centre_y: Tensor
    width: Tensor
    height: Tensor
    mirror_x: Tensor
    mirror_y: Tensor
    quarter_turns: Tensor
    jitter: Tensor


@dataclass(frozen=True, slots=True)
class Colour:
    """Colour factors around 1: ``brightness``, ``contrast``, ``saturation`` (N,), and ``gains`` (N, 3) by channel."""

    brightness: Tensor
    contrast: Tensor
    saturation: Tensor
    gains: Tensor


def augment(pixels: Tensor, widths: Tensor, size: int, config: Augmentation) -> Tensor:
    """Draw and apply augmentations: (N, H, W, 3) uint8 with content widths (N,) to (N, 3, size, size), 0 to 1."""
    geometry = _draw_crops(widths, pixels.shape[1], config)
    return _colour_crops(sample(pixels, geometry, size), config)


def augment_beside(
    pixels: Tensor, originals: Tensor, widths: Tensor, size: int, config: Augmentation
) -> tuple[Tensor, Tensor]:
    """Augment as ``augment`` does, and crop the originals (N, H, W, 3) of these pixels alike, without new colours."""
    geometry = _draw_crops(widths, pixels.shape[1], config)
    return _colour_crops(sample(pixels, geometry, size), config), sample(originals, geometry, size)


def _draw_crops(widths: Tensor, image_height: int, config: Augmentation) -> Geometry:
    whole = config.level == "none"
    return take_whole(widths, image_height) if whole else draw_geometry(widths, image_height, config)


def _colour_crops(images: Tensor, config: Augmentation) -> Tensor:
    if config.level in ("none", "basic"):
        return images
    return alter_colour(images, draw_colour(len(images), images.device, config))


def take_whole(widths: Tensor, image_height: int) -> Geometry:
    """The geometry of the whole image, neither cropped nor turned."""
    ones, height = torch.ones_like(widths, dtype=torch.float32), torch.full_like(widths, image_height).float()
    return Geometry(
        centre_x=widths / 2,
        centre_y=height / 2,
        width=widths.float(),
        height=height,
        mirror_x=ones,
        mirror_y=ones,
        quarter_turns=0 * ones,
        jitter=0 * ones,
    )


def draw_geometry(widths: Tensor, image_height: int, config: Augmentation) -> Geometry:
    """Draw crops inside the image with ``min_crop_area`` to all of its area, from square to ``max_crop_aspect``."""

    def uniform(low: float, high: float) -> Tensor:
        return torch.empty(len(widths), device=widths.device).uniform_(low, high)

    aspect = torch.exp(uniform(0, math.log(config.max_crop_aspect)))
    area = uniform(config.min_crop_area, 1) * widths * image_height
    width = torch.minimum(torch.sqrt(area * aspect), widths.float())
    height = torch.sqrt(area / aspect).clamp(max=image_height)
    return Geometry(
        centre_x=width / 2 + uniform(0, 1) * (widths - width),
        centre_y=height / 2 + uniform(0, 1) * (image_height - height),
        width=width,
        height=height,
        mirror_x=torch.sign(uniform(-1, 1)),
        mirror_y=torch.sign(uniform(-1, 1)),
        quarter_turns=uniform(0, 4).floor(),
        jitter=torch.deg2rad(uniform(-config.rotation_jitter, config.rotation_jitter)),
    )


def draw_colour(count: int, device: torch.device, config: Augmentation) -> Colour:
    """Draw colour factors uniformly from the configured ranges around 1."""

    def around_one(spread: float, *shape: int) -> Tensor:
        return torch.empty(*shape, device=device).uniform_(1 - spread, 1 + spread)

    return Colour(
        brightness=around_one(config.brightness, count),
        contrast=around_one(config.contrast, count),
        saturation=around_one(config.saturation, count),
        gains=around_one(config.channel_gain, count, 3),
    )


def sample(pixels: Tensor, geometry: Geometry, size: int) -> Tensor:
    """Resize each crop to ``size``: (N, H, W, 3) uint8 to (N, 3, size, size) float, 0 to 1.

    Bilinear, with reflection beyond the border.
    """
    full = pixels.permute(0, 3, 1, 2).float().div_(255)
    grid = _make_grid(geometry, full.shape[-2:], size)
    shrink = torch.maximum(geometry.width, geometry.height) / size
    level = torch.log2(shrink / MAX_SHRINK).ceil().clamp(min=0).long()
    out = full.new_empty((len(full), 3, size, size)).contiguous(memory_format=torch.channels_last)
    source = full
    for halvings in range(int(level.max()) + 1):
        if halvings:
            source = functional.avg_pool2d(source, 2, ceil_mode=True)
        chosen = level == halvings
        if chosen.any():
            out[chosen] = functional.grid_sample(
                source[chosen], grid[chosen], mode="bilinear", padding_mode="reflection", align_corners=False
            )
    return out


def _make_grid(geometry: Geometry, source_shape: torch.Size, size: int) -> Tensor:
    """Sampling positions (N, size, size, 2) in ``grid_sample``'s coordinates, −1 to 1 across the source."""
    axis = (torch.arange(size, device=geometry.width.device) + 0.5) * (2 / size) - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    out = torch.stack((x, y)).reshape(1, 2, -1)
    quarter = geometry.quarter_turns * (math.pi / 2)
    turn = _rotation(quarter) * torch.stack((geometry.mirror_x, geometry.mirror_y), dim=1)[:, None, :]
    extent = torch.stack((geometry.width, geometry.height), dim=1)[:, :, None] / 2
    matrix = _rotation(geometry.jitter) @ (extent * turn)
    centre = torch.stack((geometry.centre_x, geometry.centre_y), dim=1)[:, :, None]
    height, width = source_shape
    scale = torch.tensor([2 / width, 2 / height], device=matrix.device)[:, None]
    return ((matrix @ out + centre) * scale - 1).transpose(1, 2).reshape(-1, size, size, 2)


def _rotation(angle: Tensor) -> Tensor:
    cosine, sine = torch.cos(angle), torch.sin(angle)
    return torch.stack((torch.stack((cosine, -sine), dim=1), torch.stack((sine, cosine), dim=1)), dim=1)


def alter_colour(images: Tensor, colour: Colour) -> Tensor:
    """Change the colours of images (N, 3, H, W), 0 to 1.

    Saturation around each pixel's luma, contrast around the image's mean luma, brightness and channel gains are one
    linear map for each image; the result is clipped to 0 to 1.
    """
    count = len(images)
    luma = images.new_tensor(LUMA)
    identity = torch.eye(3, device=images.device)
    saturation = colour.saturation[:, None, None]
    saturate = saturation * identity + (1 - saturation) * luma.expand(3, 3)
    gains = (colour.gains * colour.brightness[:, None])[:, :, None]
    matrix = gains * colour.contrast[:, None, None] * saturate
    mean = torch.einsum("nchw,c->n", images, luma) / (images.shape[-1] * images.shape[-2])
    offset = gains[:, :, 0] * ((1 - colour.contrast) * mean)[:, None]
    flat = images.permute(0, 2, 3, 1).reshape(count, -1, 3)
    altered = torch.baddbmm(offset[:, None, :], flat, matrix.transpose(1, 2)).clamp_(0, 1)
    return altered.reshape(count, *images.shape[-2:], 3).permute(0, 3, 1, 2)


def view_cached(pixels: Tensor, widths: Tensor, fraction: float, size: int) -> Tensor:
    """Resize the central ``fraction`` of cached images: (N, H, W, 3) uint8 to (N, 3, size, size), 0 to 1.

    Antialiased bicubic.
    """
    height = pixels.shape[1]
    views = torch.empty((len(pixels), 3, size, size), device=pixels.device)
    for width in set(widths.tolist()):
        chosen = widths == width
        top, left = round(height * (1 - fraction) / 2), round(width * (1 - fraction) / 2)
        content = pixels[chosen][:, top : height - top, left : width - left].permute(0, 3, 1, 2).float()
        resized = functional.interpolate(content, (size, size), mode="bicubic", antialias=True, align_corners=False)
        views[chosen] = resized.div(255).clamp(0, 1)
    return views
