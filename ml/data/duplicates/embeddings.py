"""Embeddings of the shipped network, by which images of the same lesion are close."""

import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from ml.bundle.folder import DEFAULT_BUNDLE, Bundle, load_bundle
from ml.bundle.manifest import ViewSpec
from ml.data.pictures import read_pixels
from ml.serve import preprocess
from ml.serve.runtime import open_runtime
from ml.support.disk import writing

WHOLE_IMAGE = (ViewSpec("whole", 1.0),)
RIDGE = 1e-3
IMAGES_PER_SAVE = 1000

Vectors = npt.NDArray[np.float32]


def open_embeddings(
    paths: Sequence[Path], file_hashes: Sequence[str], kept: Path, *, threads: int = 1, progress: bool = True
) -> Vectors:
    """Embeddings (N, D) of image files with these SHA-256, computed as needed and cached in the .npz ``kept``.

    A stopped run resumes; the cache of another bundle is discarded.
    """
    bundle = load_bundle(DEFAULT_BUNDLE)
    known = _read_kept(kept, bundle.sha256)
    waiting = [index for index, digest in enumerate(file_hashes) if digest not in known]
    with tqdm(total=len(waiting), desc="Embedding images", unit="image", disable=not progress) as bar:
        for start in range(0, len(waiting), IMAGES_PER_SAVE):
            batch = waiting[start : start + IMAGES_PER_SAVE]
            vectors = embed_images([paths[index] for index in batch], bundle, threads=threads, bar=bar)
            known.update(zip((file_hashes[index] for index in batch), vectors, strict=True))
            _keep(known, kept, bundle.sha256)
    return np.stack([known[digest] for digest in file_hashes])


def _read_kept(kept: Path, bundle_sha256: str) -> dict[str, Vectors]:
    try:
        with kept.open("rb") as file, np.load(file) as arrays:
            if str(arrays["bundle"]) == bundle_sha256:
                return dict(zip(arrays["sha256"].tolist(), arrays["vectors"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # missing or truncated: computed again
        pass
    return {}


def _keep(known: dict[str, Vectors], kept: Path, bundle_sha256: str) -> None:
    with writing(kept), kept.open("wb") as file:
        np.savez(file, bundle=bundle_sha256, sha256=np.array(list(known)), vectors=np.stack(list(known.values())))


def embed_images(
    paths: Sequence[Path], bundle: Bundle, *, threads: int = 1, bar: "tqdm[NoReturn] | None" = None
) -> Vectors:
    """Embeddings (N, D) of unit length of whole images by the bundle's network."""
    runtime = open_runtime(bundle, "onnx")
    spec = replace(bundle.manifest.input, views=WHOLE_IMAGE)

    def embed(path: Path) -> Vectors:
        pixels = read_pixels(path, at_least=2 * spec.size)
        vector = runtime.run(preprocess.views(pixels, spec)).embedding[0]
        if bar is not None:
            bar.update()
        return np.asarray(vector / np.linalg.norm(vector))

    with ThreadPoolExecutor(threads) as pool:
        return np.stack(list(pool.map(embed, paths)))


def whiten(embeddings: Vectors) -> Vectors:
    """Whiten embeddings to vectors (N, D) of unit length, so that features shared by a class do not dominate.

    Centred, with each principal direction scaled to equal variance (Jégou & Chum, "Negative evidences and
    co-occurrences in image retrieval", ECCV 2012). With fewer than two images per dimension they are only centred.
    """
    count, dimensions = embeddings.shape
    centred = embeddings - embeddings.mean(axis=0)
    if count >= 2 * dimensions:
        variances, directions = np.linalg.eigh(centred.T @ centred)
        centred = centred @ (directions / np.sqrt(np.maximum(variances, 0) + RIDGE * variances.mean()))
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)
