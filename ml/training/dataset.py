"""Batches from the cache of decoded pixels."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler

from ml.data.cache import PixelCache

COPIED_AT_ONCE = 512


class Batch(NamedTuple):
    """A batch of N images.

    ``pixels`` (N, H, W, 3) uint8 of the cache, or (N, S, S, 3) if already augmented; ``widths`` (N,) of their content;
    ``labels`` (N,); ``metadata`` (N, M), M = 0 for a network without metadata; ``fold``, if all images of a batch come
    from one fold.
    """

    pixels: Tensor
    widths: Tensor
    labels: Tensor
    metadata: Tensor
    fold: str = ""


class Shard(NamedTuple):
    """The share of every batch that this process takes in distributed training."""

    rank: int = 0
    processes: int = 1


ALONE = Shard()


class CachedBatches(TorchDataset[Batch]):
    """Batches of a cache, indexed by lists of positions.

    ``metadata`` (all images, M) and ``folds`` (all images), for batches of one fold each, are aligned with the cache.
    With ``device`` all pixels are copied there once, so nothing is loaded later. ``alter`` augments one image's
    content to (S, S, 3) uint8; S is read from ``size``, which is memory shared with the loader's workers.
    """

    def __init__(
        self,
        cache: PixelCache,
        metadata: npt.NDArray[np.float32] | None = None,
        alter: Callable[[npt.NDArray[np.uint8], int], npt.NDArray[np.uint8]] | None = None,
        *,
        folds: Sequence[str] | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.cache = cache
        self.alter = alter
        self.folds = folds
        self.size = torch.zeros((), dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call] # torch's
        metadata = np.zeros((len(cache.labels), 0), np.float32) if metadata is None else metadata
        known = (torch.from_numpy(array) for array in (cache.widths, cache.labels, metadata))
        self.widths, self.labels, self.metadata = (tensor.to(device) for tensor in known)
        self.device = device
        self.pixels = None if device is None else _copy_pixels(cache.pixels, device)

    def __getitem__(self, positions: list[int]) -> Batch:
        ordered = torch.tensor(positions, device=self.device)
        known = (self.widths[ordered], self.labels[ordered], self.metadata[ordered])
        fold = "" if self.folds is None else self.folds[positions[0]]
        if self.alter is not None:
            return Batch(self._alter(positions, self.alter), *known, fold)
        if self.pixels is None:
            return Batch(torch.from_numpy(self.cache.pixels[positions]), *known, fold)
        return Batch(self.pixels[ordered], *known, fold)

    def _alter(
        self, positions: list[int], alter: Callable[[npt.NDArray[np.uint8], int], npt.NDArray[np.uint8]]
    ) -> Tensor:
        size = int(self.size)
        contents = (self.cache.pixels[position, :, : self.cache.widths[position]] for position in positions)
        return torch.from_numpy(np.stack([alter(np.asarray(content), size) for content in contents]))


def _copy_pixels(pixels: npt.NDArray[np.uint8], device: torch.device) -> Tensor:
    """Copy the whole cache into one tensor, in parts, so that it is not held twice in memory."""
    copied = torch.empty(pixels.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(pixels), COPIED_AT_ONCE):
        part = pixels[start : start + COPIED_AT_ONCE]
        copied[start : start + len(part)] = torch.from_numpy(np.array(part))
    return copied


class WeightedBatches(Sampler[list[int]]):
    """Weighted sampler: lists of positions, drawn with replacement.

    An epoch's draw depends on seed and epoch alone, so that a resumed run repeats that of an uninterrupted one. With
    ``folds`` (N,), of each position, every batch comes from one fold, drawn by its share of the weight; the expected
    frequency of each image is the same. ``images``: number drawn for an epoch, by default that of the positions.
    """

    def __init__(
        self,
        positions: npt.NDArray[np.int64],
        weights: Tensor,
        *,
        batch_size: int,
        seed: int,
        shard: Shard = ALONE,
        folds: Sequence[str] | None = None,
        images: int | None = None,
    ) -> None:
        self.positions = positions
        self.images = len(positions) if images is None else images
        self.weights = weights
        self.batch_size = batch_size
        self.seed = seed
        self.shard = shard
        self.folds = None if folds is None else np.array(folds)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch; Lightning calls this before every epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return max(1, self.images // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        for drawn in self._draw(generator) if self.folds is None else self._draw_by_fold(self.folds, generator):
            yield self.positions[drawn.numpy()][self.shard.rank :: self.shard.processes].tolist()

    def _draw(self, generator: torch.Generator) -> Iterator[Tensor]:
        drawn = torch.multinomial(self.weights, len(self) * self.batch_size, replacement=True, generator=generator)
        yield from drawn.reshape(len(self), self.batch_size)

    def _draw_by_fold(self, folds: npt.NDArray[np.str_], generator: torch.Generator) -> Iterator[Tensor]:
        members = [torch.from_numpy(np.flatnonzero(folds == name)) for name in np.unique(folds)]
        shares = torch.stack([self.weights[indices].sum() for indices in members])
        for chosen in torch.multinomial(shares, len(self), replacement=True, generator=generator).tolist():
            indices = members[chosen]
            drawn = torch.multinomial(self.weights[indices], self.batch_size, replacement=True, generator=generator)
            yield indices[drawn]


class OrderedBatches(Sampler[list[int]]):
    """Sequential sampler: lists of positions, each position once, in order."""

    def __init__(
        self,
        positions: npt.NDArray[np.int64],
        *,
        batch_size: int,
        shard: Shard = ALONE,
    ) -> None:
        self.positions = positions[shard.rank :: shard.processes]
        self.batch_size = batch_size

    def __len__(self) -> int:
        return math.ceil(len(self.positions) / self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        for start in range(0, len(self.positions), self.batch_size):
            yield self.positions[start : start + self.batch_size].tolist()
