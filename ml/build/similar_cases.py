"""Selection of a bundle's similar cases from the training folds, and the file of them."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ml.bundle.attribution import write_attribution
from ml.bundle.folder import Bundle, write_manifest
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import SIMILAR_CASES_FILE
from ml.data.isic import Record, read_isic
from ml.data.split import read_split
from ml.evaluation.observe import Observer, from_file, open_picture
from ml.serve.similar_cases import (
    CaseArrays,
    FloatArray,
    SimilarCases,
    join_views,
    project,
    quantise,
    save_similar_cases,
)
from ml.taxonomy import CLASSES

CASES = 2000
DIMENSIONS = 64
SEED = 2018
THUMBNAIL_SIZE = (192, 144)
THUMBNAIL_QUALITY = 65
CONFIRMED_LAST = ("consensus", None)
"""Confirmations used last: expert consensus, or unknown; only if a class has too few by histology or follow-up."""

NEARER_PERCENT = 99.0
NO_COPY = 2.0

Lesion = list[Record]
"""All photographs of one lesion, the one to show first."""


def add_similar_cases(bundle: Bundle, observer: Observer, data_dir: Path, *, unseen_fold: str) -> Bundle:
    """Choose cases from the training folds, write their file, and name it in the manifest.

    Images excluded from training are left out here too, since some show a lesion of the test fold.
    """
    split, records = read_split(), read_isic(data_dir).records
    training = [record for record in records if split.is_trained_on(record.image_id)]
    lesions = choose_cases(training, split.group_of)
    photographs = [from_file(record.path) for record in list_photographs(lesions)]
    unseen = [from_file(record.path) for record in records if split.fold_of.get(record.image_id) == unseen_fold]
    embeddings, others = (
        np.stack([each.embedding for each in observer.observe(makers, name)])
        for makers, name in ((photographs, "similar cases"), (unseen, f"fold {unseen_fold}"))
    )
    save_similar_cases(bundle.path, build_cases(lesions, embeddings, others))
    files = bundle.manifest.files | {SIMILAR_CASES_FILE: hash_file(bundle.path / SIMILAR_CASES_FILE)}
    return write_manifest(bundle.path, write_attribution(bundle.path, replace(bundle.manifest, files=files)))


def choose_cases(records: Sequence[Record], groups: Mapping[str, str], *, cases: int = CASES) -> list[Lesion]:
    """At most ``cases`` lesions, spread over the classes as evenly as possible.

    A class with fewer than its share gives all, and the others share the remainder. Within a class, lesions confirmed
    by histology, confocal microscopy or follow-up come before those by consensus; otherwise the draw is random.
    ``groups`` joins images of the same lesion, by image.
    """
    lesions: dict[str, Lesion] = {}
    for record in sorted(records, key=lambda record: record.image_id):
        lesions.setdefault(groups[record.image_id], []).append(record)
    all_lesions = list(lesions.values())
    shuffled = [all_lesions[index] for index in np.random.default_rng(SEED).permutation(len(all_lesions))]
    shuffled.sort(
        key=lambda lesion: lesion[0].confirmation in CONFIRMED_LAST
    )  # stable: keeps the random order within each part
    by_class = [[lesion for lesion in shuffled if lesion[0].label == label] for label in range(len(CLASSES))]
    shares = share_out(cases, [len(lesions) for lesions in by_class])
    chosen = [lesion for lesions, share in zip(by_class, shares, strict=True) for lesion in lesions[:share]]
    return sorted(chosen, key=lambda lesion: lesion[0].image_id)


def share_out(total: int, available: Sequence[int]) -> list[int]:
    """Max-min fair shares of ``total``, each limited by ``available``."""
    shares, left = [0] * len(available), total
    for done, index in enumerate(sorted(range(len(available)), key=available.__getitem__)):
        shares[index] = min(available[index], left // (len(available) - done))
        left -= shares[index]
    return shares


def list_photographs(lesions: Sequence[Lesion]) -> list[Record]:
    """Photographs in the file's order: those to show first, then the others."""
    return [lesion[0] for lesion in lesions] + [record for lesion in lesions for record in lesion[1:]]


def build_cases(lesions: Sequence[Lesion], embeddings: FloatArray, unseen: FloatArray) -> CaseArrays:
    """Arrays of the file from the embeddings (M, V, D) of the chosen lesions' photographs, in order.

    A photograph counts as a copy if it is nearer than 99 % of the ``unseen`` ones (U, V, D), which show other lesions,
    are to any.
    """
    joined, count = join_views(embeddings), len(lesions)
    centre, directions = fit_projection(joined[:count])
    shown = [lesion[0] for lesion in lesions]
    thumbnails = [make_thumbnail(record.path) for record in shown]
    others = [index for index, lesion in enumerate(lesions) for _ in lesion[1:]]
    arrays = CaseArrays(
        centre=centre,
        directions=directions,
        codes=quantise(project(joined, centre, directions.astype(np.float32))),
        lesions=np.array([*range(count), *others], np.int32),
        images=np.array([record.image_id for record in shown], np.bytes_),
        diagnoses=np.array([CLASSES[record.label] for record in shown], np.bytes_),
        confirmations=np.array([record.confirmation or "unknown" for record in shown], np.bytes_),
        thumbnails=np.frombuffer(b"".join(thumbnails), np.uint8),
        ends=np.cumsum([len(each) for each in thumbnails], dtype=np.int64),
        copy_from=np.array(NO_COPY, np.float32),
    )
    free = SimilarCases(arrays)
    nearest = [free.compare(embedding).max() for embedding in unseen]
    return replace(arrays, copy_from=np.array(np.percentile(nearest, NEARER_PERCENT), np.float32))


def fit_projection(joined: FloatArray) -> tuple[FloatArray, npt.NDArray[np.float16]]:
    """Centre (D,) and leading principal directions (D, K) of joined embeddings (N, D)."""
    centre = joined.mean(axis=0)
    _, _, directions = np.linalg.svd(joined - centre, full_matrices=False)
    return centre, directions[:DIMENSIONS].T.astype(np.float16)


def make_thumbnail(path: Path) -> bytes:
    """A thumbnail, cropped centrally to 4:3, as WebP."""
    content = io.BytesIO()
    small = ImageOps.fit(open_picture(path), THUMBNAIL_SIZE, Image.Resampling.LANCZOS)
    small.save(content, "WEBP", quality=THUMBNAIL_QUALITY, method=6)
    return content.getvalue()
