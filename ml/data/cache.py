"""Cache of decoded pixels in one memory-mapped file, so that training decodes nothing."""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from ml.bundle.hashing import hash_file
from ml.data.isic import Record, describe_content
from ml.data.pictures import read_uploaded_pixels
from ml.serve.preprocess import MAX_ASPECT
from ml.support.disk import check_space, make_directory, stat_file

CACHE_VERSION = 1
AT_ONCE = 128
"""Images that a process decodes in one go; a smaller cache needs no other process."""


@dataclass(frozen=True)
class PixelCache:
    """Images of one height, left-aligned on a canvas of 4:3 and padded by reflection.

    ``pixels`` (N, S, ceil(4/3 S), 3) uint8, memory-mapped; ``widths`` (N,) of the content; ``labels`` (N,);
    ``data_sha256``: of all files and labels.
    """

    pixels: npt.NDArray[np.uint8]
    widths: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    data_sha256: str


def open_cache(records: Sequence[Record], directory: Path, *, short_side: int, progress: bool = True) -> PixelCache:
    """The cache of these records in ``directory``, created on the first call and whenever a file has changed."""
    digest = hashlib.sha256(f"{CACHE_VERSION} {short_side}".encode())
    for record in records:
        status = stat_file(record.path)
        digest.update(f"{record.image_id} {record.label} {status.st_size} {status.st_mtime_ns}\n".encode())
    stem = directory / f"pixels-{short_side}-{digest.hexdigest()[:16]}"
    shape = (len(records), short_side, math.ceil(short_side * MAX_ASPECT), 3)
    if not _is_whole(stem, shape):
        make_directory(directory)
        _write_cache(records, stem, shape, progress=progress)
    description = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
    return PixelCache(
        pixels=np.memmap(stem.with_suffix(".u8"), dtype=np.uint8, mode="r", shape=shape),
        widths=np.array(description["widths"], dtype=np.int64),
        labels=np.array([record.label for record in records], dtype=np.int64),
        data_sha256=description["data_sha256"],
    )


def _is_whole(stem: Path, shape: tuple[int, ...]) -> bool:
    """Whether the cache files exist in full length."""
    try:
        widths = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))["widths"]
        return len(widths) == shape[0] and stem.with_suffix(".u8").stat().st_size == math.prod(shape)
    except (OSError, ValueError, KeyError):
        return False


def _write_cache(records: Sequence[Record], stem: Path, shape: tuple[int, ...], *, progress: bool) -> None:
    check_space(stem.parent, math.prod(shape))  # writing to mapped memory on a full disk would kill the process
    # Named uniquely until complete, so that runs started together do not write into one file.
    part = stem.with_suffix(f".{os.getpid()}.part")
    np.memmap(part, dtype=np.uint8, mode="w+", shape=shape).flush()
    ranges = [range(start, min(start + AT_ONCE, len(records))) for start in range(0, len(records), AT_ONCE)]
    parts = [[records[index].path for index in each] for each in ranges]
    widths: list[int] = []
    digest = hashlib.sha256()
    write = partial(_write_part, part, shape)
    with (
        ExitStack() as stack,
        tqdm(total=len(records), desc="Decoding images", unit="image", disable=not progress) as bar,
    ):
        run: Any = map
        if len(parts) > 1:
            pool = ProcessPoolExecutor(mp_context=get_context("spawn"))
            stack.callback(pool.shutdown, cancel_futures=True)  # cancels pending work if an image cannot be read
            run = pool.map
        for results in run(write, [each.start for each in ranges], parts):
            for width, sha256 in results:
                record = records[len(widths)]
                digest.update(describe_content(record, sha256))
                widths.append(width)
            bar.update(len(results))
    part.replace(stem.with_suffix(".u8"))
    # The description is written last, so a truncated cache is built again.
    description = {"widths": widths, "data_sha256": digest.hexdigest()}
    stem.with_suffix(".json").write_text(json.dumps(description), encoding="utf-8")


def _write_part(file: Path, shape: tuple[int, ...], start: int, paths: Sequence[Path]) -> list[tuple[int, str]]:
    """Write images into the mapped ``file`` from index ``start``; returns width and hash of each."""
    pixels = np.memmap(file, dtype=np.uint8, mode="r+", shape=shape)
    results = []
    for index, path in enumerate(paths, start):
        content = fit_to_canvas(_decode(path, short_side=shape[1]), short_side=shape[1])
        pixels[index] = np.pad(content, ((0, 0), (0, shape[2] - content.shape[1]), (0, 0)), mode="symmetric")
        results.append((content.shape[1], hash_file(path)))
    pixels.flush()
    return results


def _decode(path: Path, *, short_side: int) -> npt.NDArray[np.uint8]:
    return read_uploaded_pixels(path, at_least=short_side)


def fit_to_canvas(image: npt.NDArray[np.uint8], *, short_side: int) -> npt.NDArray[np.uint8]:
    """Crop centrally to at most 4:3, turn portrait images by 90°, and scale to the height ``short_side``.

    The turn is harmless: quarter turns are among the augmentations, and lesions have no orientation.
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
