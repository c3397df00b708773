"""Decoded pixels kept in one memory-mapped file, and how batches are drawn from it."""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler
from tqdm import tqdm

from ml.data.isic import Record
from ml.data.split import read_split
from ml.errors import UserError
from ml.hashing import hash_file
from ml.image_io import ImageRejected, decode_stored, normalise_upload
from ml.taxonomy import CLASSES
from ml.training.config import TrainingConfig

MAX_ASPECT = 4 / 3
CACHE_VERSION = 1

Batch = tuple[Tensor, Tensor, Tensor]
"""Pixels (N, H, W, 3) uint8, or (N, 3, S, S) float when augmented already; content widths (N,); labels (N,)."""


@dataclass(frozen=True)
class PixelCache:
    """Images of one height, left-aligned on a canvas of 4:3 and reflected beyond their width.

    ``pixels`` (N, S, ceil(4/3 S), 3) uint8, memory-mapped; ``widths`` (N,): how much of a row is the image;
    ``labels`` (N,); ``data_sha256``: of all files and labels.
    """

    pixels: npt.NDArray[np.uint8]
    widths: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    data_sha256: str


def open_cache(records: Sequence[Record], directory: Path, *, short_side: int, progress: bool = True) -> PixelCache:
    """The cache of these records in ``directory``, made on the first call and whenever a file has changed."""
    digest = hashlib.sha256(f"{CACHE_VERSION} {short_side}".encode())
    for record in records:
        status = record.path.stat()
        digest.update(f"{record.image_id} {record.label} {status.st_size} {status.st_mtime_ns}\n".encode())
    stem = directory / f"pixels-{short_side}-{digest.hexdigest()[:16]}"
    shape = (len(records), short_side, math.ceil(short_side * MAX_ASPECT), 3)
    if not stem.with_suffix(".json").is_file():
        directory.mkdir(parents=True, exist_ok=True)
        _write_cache(records, stem, shape, progress=progress)
    description = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
    return PixelCache(
        pixels=np.memmap(stem.with_suffix(".u8"), dtype=np.uint8, mode="r", shape=shape),
        widths=np.array(description["widths"], dtype=np.int64),
        labels=np.array([record.label for record in records], dtype=np.int64),
        data_sha256=description["data_sha256"],
    )


def _write_cache(records: Sequence[Record], stem: Path, shape: tuple[int, ...], *, progress: bool) -> None:
    pixels = np.memmap(stem.with_suffix(".u8"), dtype=np.uint8, mode="w+", shape=shape)
    widths = []
    digest = hashlib.sha256()
    for index, record in enumerate(tqdm(records, desc="Decoding images", unit="image", disable=not progress)):
        content = fit_to_canvas(_decode(record.path, short_side=shape[1]), short_side=shape[1])
        widths.append(content.shape[1])
        pixels[index] = np.pad(content, ((0, 0), (0, shape[2] - content.shape[1]), (0, 0)), mode="symmetric")
        digest.update(f"{record.image_id} {record.label} {hash_file(record.path)}\n".encode())
    pixels.flush()
    # The description comes last: without it, a cache that was cut off is made again.
    description = {"widths": widths, "data_sha256": digest.hexdigest()}
    stem.with_suffix(".json").write_text(json.dumps(description), encoding="utf-8")


def _decode(path: Path, *, short_side: int) -> npt.NDArray[np.uint8]:
    try:
        return decode_stored(normalise_upload(path.read_bytes()).data, at_least=short_side)
    except ImageRejected as error:
        raise UserError(f"{path}: {error}") from error


def fit_to_canvas(image: npt.NDArray[np.uint8], *, short_side: int) -> npt.NDArray[np.uint8]:
    """Crop centrally to 4:3 at most, turn upright images on their side, and scale to the height ``short_side``.

    The turn does no harm: quarter turns are among the augmentations, and a lesion has no upright.
    """
    if image.shape[0] > image.shape[1]:
        image = np.rot90(image)
    height, width = image.shape[:2]
    kept = min(width, int(height * MAX_ASPECT))
    left = (width - kept) // 2
    size = (max(short_side, round(short_side * kept / height)), short_side)
    picture = Image.fromarray(np.ascontiguousarray(image))
    box = (left, 0, left + kept, height)
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=3.0))


class CachedBatches(TorchDataset[Batch]):
    """Batches of a cache by lists of positions. ``alter`` makes (S, S, 3) uint8 of one image's content and S; with it
    the batch is float and of the size that ``size`` holds, in memory shared with the loader's workers."""

    def __init__(
        self, cache: PixelCache, alter: Callable[[npt.NDArray[np.uint8], int], npt.NDArray[np.uint8]] | None = None
    ) -> None:
        self.cache = cache
        self.alter = alter
        self.size = torch.zeros((), dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]  # torch's

    def __getitem__(self, positions: list[int]) -> Batch:
        ordered = np.array(positions)
        widths, labels = self.cache.widths[ordered], torch.from_numpy(self.cache.labels[ordered])
        if self.alter is None:
            return torch.from_numpy(self.cache.pixels[ordered]), torch.from_numpy(widths), labels
        size = int(self.size)
        altered = [
            self.alter(np.asarray(self.cache.pixels[position, :, :width]), size)
            for position, width in zip(positions, widths, strict=True)
        ]
        return torch.from_numpy(np.stack(altered)), torch.from_numpy(widths), labels


class WeightedBatches(Sampler[list[int]]):
    """Lists of positions drawn with replacement by weight; each epoch's draw depends on seed and epoch alone, so that
    a resumed run draws what an uninterrupted one does."""

    def __init__(self, positions: npt.NDArray[np.int64], weights: Tensor, *, batch_size: int, seed: int) -> None:
        self.positions = positions
        self.weights = weights
        self.batch_size = batch_size
        self.seed = seed
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
            yield batch.tolist()


class OrderedBatches(Sampler[list[int]]):
    """Lists of positions, each once, in order."""

    def __init__(self, positions: npt.NDArray[np.int64], *, batch_size: int) -> None:
        self.positions = positions
        self.batch_size = batch_size

    def __len__(self) -> int:
        return math.ceil(len(self.positions) / self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        for start in range(0, len(self.positions), self.batch_size):
            yield self.positions[start : start + self.batch_size].tolist()


def weigh_classes(labels: npt.NDArray[np.int64], *, power: float) -> tuple[Tensor, Tensor]:
    """Sampling weights of images (N,), a class of n images weighing n^-power each, and the class prior (7,) that such
    sampling presents to the network."""
    counts = np.bincount(labels, minlength=len(CLASSES)).astype(np.float64)
    if not counts.all():
        raise UserError(f"no training image of {CLASSES[int(counts.argmin())]}; give data with all seven classes")
    weights = counts**-power
    prior = counts * weights
    return torch.from_numpy(weights[labels]), torch.from_numpy(prior / prior.sum()).float()


def select_records(records: Sequence[Record], config: TrainingConfig) -> list[Record]:
    """Those of the training and choosing folds: no run ever opens an image of the test fold."""
    folds = read_split()
    strange = [record.image_id for record in records if record.image_id not in folds]
    if strange:
        raise UserError(f"{strange[0]}: is not in the frozen split; train on the images of ISIC 2018 Task 3")
    selected = [record for record in records if folds[record.image_id] in {*config.train_folds, config.choose_fold}]
    if not any(folds[record.image_id] == config.choose_fold for record in selected):
        raise UserError(f"no image of fold {config.choose_fold} in the data; it is needed to choose and calibrate")
    return selected


def split_positions(
    records: Sequence[Record], config: TrainingConfig
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Positions of the training and of the choosing records."""
    folds = read_split()
    choosing = np.array([folds[record.image_id] == config.choose_fold for record in records])
    return np.flatnonzero(~choosing), np.flatnonzero(choosing)
