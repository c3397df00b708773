"""Features of many images, computed once, resumable, and cached until an input changes."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from ml.baselines.handcrafted import FEATURE_COUNT, HANDCRAFTED_VERSION, Mask, Pixels, describe_lesion
from ml.bundle.hashing import hash_file
from ml.data.pictures import read_uploaded_pixels
from ml.errors import UserError
from ml.support.disk import make_directory, write_whole, writing

FloatArray = npt.NDArray[np.float32]
Kept = np.memmap[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Source:
    """An image file and, if the lesion is segmented, its mask file."""

    image_id: str
    path: Path
    mask: Path | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded source: pixels (H, W, 3) and mask (H, W)."""

    pixels: Pixels
    mask: Mask | None


class Extractor(Protocol):
    """Computes features (N, ``length``) of pictures; ``identity`` names everything they depend on but the images."""

    length: int
    identity: str
    batch_size: int

    def describe(self, pictures: Sequence[Picture]) -> FloatArray: ...


class HandcraftedFeatures:
    """The extractor of ``ml.baselines.handcrafted``."""

    length = FEATURE_COUNT
    identity = f"handcrafted {HANDCRAFTED_VERSION}"
    batch_size = 32

    def describe(self, pictures: Sequence[Picture]) -> FloatArray:
        return np.stack([describe_lesion(picture.pixels, picture.mask) for picture in pictures]).astype(np.float32)


@dataclass(frozen=True)
class Features:
    """Features of all images.

    ``values`` (N, D); ``data_sha256``: of all images and masks; ``seconds``: time of reading and of describing.
    """

    values: FloatArray
    data_sha256: str
    seconds: float


def compute_features(
    sources: Sequence[Source], extractor: Extractor, directory: Path, *, progress: bool = True
) -> Features:
    """Features of the sources, cached in ``directory``; a stopped computation resumes after its last batch."""
    data_sha256 = hash_sources(sources)
    key = hashlib.sha256(f"{extractor.identity} {extractor.batch_size} {data_sha256}".encode()).hexdigest()
    stem = make_directory(directory) / f"features-{key[:16]}"
    values_path, state_path = stem.with_suffix(".npy"), stem.with_suffix(".json")
    shape = (len(sources), extractor.length)
    state, values = _open_values(values_path, state_path, shape)
    bar = tqdm(total=len(sources), initial=int(state["done"]), desc="Features", unit="image", disable=not progress)
    with bar:
        for start in range(int(state["done"]), len(sources), extractor.batch_size):
            began = time.perf_counter()
            batch = sources[start : start + extractor.batch_size]
            values[start : start + len(batch)] = extractor.describe([read_picture(source) for source in batch])
            values.flush()
            state = {"done": start + len(batch), "seconds": state["seconds"] + time.perf_counter() - began}
            write_whole(state_path, json.dumps(state))
            bar.update(len(batch))
    return Features(np.array(values), data_sha256, float(state["seconds"]))


def _open_values(values_path: Path, state_path: Path, shape: tuple[int, int]) -> tuple[dict[str, float], Kept]:
    """Open the cached features and their progress; a missing or truncated cache starts again."""
    try:
        state = dict(json.loads(state_path.read_text(encoding="utf-8")))
        values = np.lib.format.open_memmap(values_path, mode="r+")
        if values.shape == shape and state["done"] <= shape[0]:
            return state, values
    except (OSError, ValueError, KeyError, EOFError):
        pass
    with writing(values_path):
        empty = np.lib.format.open_memmap(values_path, mode="w+", dtype=np.float32, shape=shape)
    return {"done": 0, "seconds": 0.0}, empty


def hash_sources(sources: Sequence[Source]) -> str:
    """SHA-256 of names, files and masks, in order."""
    digest = hashlib.sha256()
    for source in sources:
        mask = None if source.mask is None else hash_file(source.mask)
        digest.update(f"{source.image_id} {hash_file(source.path)} {mask}\n".encode())
    return digest.hexdigest()


def read_picture(source: Source) -> Picture:
    """Decode an image, as uploads are decoded, and its mask. Raises ``UserError`` naming the file."""
    pixels = read_uploaded_pixels(source.path)
    if source.mask is None:
        return Picture(pixels, None)
    try:
        with Image.open(source.mask) as image:
            mask = np.asarray(image.convert("L")) > 127
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{source.mask}: cannot be read as a mask; restore it or remove the masks' folder") from error
    if mask.shape != pixels.shape[:2]:
        sizes = " and ".join(f"{width}×{height}" for height, width in (mask.shape, pixels.shape[:2]))
        raise UserError(f"{source.mask}: differs in size from its image ({sizes}); give the mask of {source.path.name}")
    return Picture(pixels, mask)
