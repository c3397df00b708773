"""Observation of images, network outputs and measures, by the serving functions."""

import hashlib
import json
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from tqdm import tqdm

from ml.bundle.manifest import ONNX_FILE
from ml.errors import UserError
from ml.evaluation.shifts import (
    COMMON_QUALITY,
    Change,
    Picture,
    save_jpeg,
    shift_dermatoscope,
    to_common_format,
)
from ml.serve import quality
from ml.serve.image_io import ImageRejected, Limits, decode_stored, normalise_upload
from ml.serve.interpretation import Observation
from ml.serve.predictor import DECODED_SIDE_PER_INPUT, Predictor
from ml.support.disk import part_of, read_file, read_json, write_whole, writing

Maker = Callable[[], bytes]
Found = TypeVar("Found")

ANY_SIZE = Limits(min_side=1)
QUALITY = 95
ARRAYS = ("logits", "embedding", "late_statistics", "mask")
UNREADABLE = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error)
"""Exceptions of NumPy for a file of another format or a truncated one."""


class Observer:
    """Observes images with one bundle, as uploads, on all cores.

    With ``kept``, a directory, observations are cached there under the hash of graph and views, so that interrupted
    work continues and refitting needs no new observations. Empty it if the photographs or their changes differ. Raises
    ``UserError`` naming a photograph that cannot be decoded.
    """

    def __init__(self, predictor: Predictor, *, kept: Path | None = None, progress: bool = True) -> None:
        self.predictor, self.progress = predictor, progress
        manifest = predictor.bundle.manifest
        read_by = f"{manifest.files[ONNX_FILE]} {manifest.input}"
        self._kept = None if kept is None else kept / hashlib.sha256(read_by.encode()).hexdigest()[:12]

    def observe(self, makers: Sequence[Maker], name: str) -> list[Observation]:
        """Observe the files that ``makers`` produce, cached under ``name``."""
        if self._kept is None:
            return self._observe(makers, name)
        path = self._kept / f"{_name_file(name)}.npz"
        if len(results := _read_observations(path)) == len(makers):
            return results
        results = self._observe(makers, name)
        _write_observations(path, results)
        return results

    def measure(self, makers: Sequence[Maker], name: str) -> list[dict[str, float]]:
        """Measure the files that ``makers`` produce by ``ml.serve.quality`` alone, without the network."""
        path = None if self._kept is None else self._kept / f"{_name_file(name)}.json"
        if path is not None and len(results := _read_measures(path)) == len(makers):
            return results
        at_least = DECODED_SIDE_PER_INPUT * self.predictor.bundle.manifest.input.size
        results = self._map(lambda data: quality.measure_quality(decode_stored(data, at_least=at_least)), makers, name)
        if path is not None:
            write_whole(path, json.dumps(results))
        return results

    def _observe(self, makers: Sequence[Maker], name: str) -> list[Observation]:
        return self._map(self.predictor.observe, makers, name)

    def _map(self, read: Callable[[bytes], Found], makers: Sequence[Maker], name: str) -> list[Found]:
        def read_one(make: Maker) -> Found:
            try:
                return read(normalise_upload(make(), limits=ANY_SIZE).data)
            except ImageRejected as error:
                raise UserError(f"{make}: {error}") from error

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = pool.map(read_one, makers)
            return list(tqdm(results, name, total=len(makers), unit="image", disable=not self.progress))


@dataclass(frozen=True, slots=True)
class FromFile:
    """A maker identified by the path of its file."""

    path: Path

    def __call__(self) -> bytes:
        return read_file(self.path)

    def __str__(self) -> str:
        return str(self.path)


def from_file(path: Path) -> Maker:
    """Maker of the unchanged bytes of a file."""
    return FromFile(path)


def from_changed(path: Path, change: Change, quality: int = QUALITY) -> Maker:
    """Maker of a file's image after a change, as JPEG."""
    return lambda: save_jpeg(change(open_picture(path)), quality)


def from_common(path: Path) -> Maker:
    """Maker of a file's image in the common format."""
    return lambda: to_common_format(open_picture(path))


def simulate(path: Path, number: int) -> Maker:
    """Maker of a file's image after the simulated dermatoscope ``number``."""
    return from_changed(path, shift_dermatoscope(np.random.default_rng(number)), COMMON_QUALITY)


def open_picture(path: Path) -> Picture:
    """Open an image of a data set upright, in RGB."""
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError) as error:
        raise UserError(f"{path}: cannot be read as an image; restore or remove it") from error


def average_statistics(observations: Sequence[Observation]) -> npt.NDArray[np.float64]:
    """Late statistics (N, 2C) of observations, averaged over their views."""
    return np.stack([observation.late_statistics.mean(axis=0, dtype=np.float64) for observation in observations])


def _name_file(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower())


def _write_observations(path: Path, observations: Sequence[Observation]) -> None:
    names = sorted(observations[0].measures)
    arrays: dict[str, Any] = {name: np.stack([getattr(o, name) for o in observations]) for name in ARRAYS}
    arrays["measures"] = np.array([[observation.measures[name] for name in names] for observation in observations])
    with writing(path), part_of(path) as part, part.open("wb") as file:
        np.savez(file, **arrays, names=np.array(names))


def _read_measures(path: Path) -> list[dict[str, float]]:
    """Cached measures; empty if the file is missing or truncated."""
    try:
        results = read_json(path)
    except UserError:
        return []
    return results if isinstance(results, list) else []


def _read_observations(path: Path) -> list[Observation]:
    """Cached observations; empty if the file is missing, truncated, or of an earlier version with fewer arrays."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = [stored[name] for name in ARRAYS]
            measures, names = stored["measures"], [str(name) for name in stored["names"]]
    except UNREADABLE:
        return []
    return [
        Observation(
            **dict(zip(ARRAYS, rows, strict=True)),
            measures=dict(zip(names, map(float, values), strict=True)),
            runtime="kept",
            milliseconds={},
        )
        for *rows, values in zip(*arrays, measures, strict=True)
    ]
