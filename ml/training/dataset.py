"""Batches drawn from the cache of decoded pixels."""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler

from ml.data.cache import PixelCache


class Batch(NamedTuple):
    """N images: ``pixels`` (N, H, W, 3) uint8 of the cache, or (N, S, S, 3) when altered already; ``widths`` (N,) of
    their content; ``labels`` (N,); ``metadata`` (N, M), M = 0 for a network that takes none."""

    pixels: Tensor
    widths: Tensor
    labels: Tensor
    metadata: Tensor


class Shard(NamedTuple):
    """Which part of every batch this process takes, where several train together."""

    rank: int = 0
    processes: int = 1


ALONE = Shard()


class CachedBatches(TorchDataset[Batch]):
    """Batches of a cache by lists of positions, with the rows of ``metadata`` (all images, M) that belong to them.

    ``alter`` makes (S, S, 3) uint8 of one image's content and S; with it the batch has the size that ``size`` holds, in
    memory shared with the loader's workers.
    """

    def __init__(
        self,
        cache: PixelCache,
        metadata: npt.NDArray[np.float32] | None = None,
        alter: Callable[[npt.NDArray[np.uint8], int], npt.NDArray[np.uint8]] | None = None,
    ) -> None:
        self.cache = cache
        self.metadata = np.zeros((len(cache.labels), 0), np.float32) if metadata is None else metadata
        self.alter = alter
        self.size = torch.zeros((), dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]  # torch's

    def __getitem__(self, positions: list[int]) -> Batch:
        ordered = np.array(positions)
        widths = self.cache.widths[ordered]
        known = (torch.from_numpy(widths), torch.from_numpy(self.cache.labels[ordered]))
        metadata = torch.from_numpy(self.metadata[ordered])
        if self.alter is None:
            return Batch(torch.from_numpy(self.cache.pixels[ordered]), *known, metadata)
        size = int(self.size)
        altered = [
            self.alter(np.asarray(self.cache.pixels[position, :, :width]), size)
            for position, width in zip(positions, widths, strict=True)
        ]
        return Batch(torch.from_numpy(np.stack(altered)), *known, metadata)


class WeightedBatches(Sampler[list[int]]):
    """Lists of positions drawn with replacement by weight; each epoch's draw depends on seed and epoch alone, so that
    a resumed run draws what an uninterrupted one does."""

    def __init__(
        self,
        positions: npt.NDArray[np.int64],
        weights: Tensor,
        *,
        batch_size: int,
        seed: int,
        shard: Shard = ALONE,
    ) -> None:
        self.positions = positions
        self.weights = weights
        self.batch_size = batch_size
        self.seed = seed
        self.shard = shard
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before every epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return max(1, len(self.positions) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        drawn = torch.multinomial(self.weights, len(self) * self.batch_size, replacement=True, generator=generator)
        for batch in self.positions[drawn.numpy()].reshape(len(self), self.batch_size):
            yield batch[self.shard.rank :: self.shard.processes].tolist()


class OrderedBatches(Sampler[list[int]]):
    """Lists of positions, each once, in order."""

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
