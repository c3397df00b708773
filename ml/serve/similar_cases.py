"""Similar confirmed cases: the training lesions nearest to a photograph in embedding space. Needs NumPy only.

This is content-based image retrieval as in Tschandl et al., "Diagnostic accuracy of content-based dermatoscopic image
retrieval with deep classification features", Br J Dermatol 181 (2019).
"""

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml.bundle.folder import Bundle
from ml.bundle.manifest import SIMILAR_CASES_FILE, BundleError
from ml.taxonomy import CLASSES

FloatArray = npt.NDArray[np.float32]

SHOWN = 6
LEVELS = 127
"""Largest absolute code in signed eight bits."""
LARGEST_THUMBNAIL = 100_000
"""In bytes."""
NAME = re.compile(r"[\w.\-]{1,100}")
DTYPE_KINDS = {
    "centre": "f",
    "directions": "f",
    "codes": "i",
    "lesions": "i",
    "images": "S",
    "diagnoses": "S",
    "confirmations": "S",
    "thumbnails": "u",
    "ends": "i",
    "copy_from": "f",
}
"""NumPy's ``dtype.kind`` of each array."""


@dataclass(frozen=True, slots=True)
class SimilarCase:
    """A training lesion: its image's name, diagnosis (a class code), how that was confirmed, and its similarity.

    ``confirmation`` is the data set's term (histo, confocal, follow_up, consensus); ``similarity`` is a cosine.
    """

    image_id: str
    diagnosis: str
    confirmation: str
    similarity: float


@dataclass(frozen=True, slots=True)
class CaseArrays:
    """Arrays of the file: N lesions and their M ≥ N photographs, the N that are shown first.

    ``centre`` (D,) and ``directions`` (D, K) project an embedding of unit length; ``codes`` (M, K) int8 are the
    quantised directions of the projected photographs; ``lesions`` (M,) is the index of each photograph's lesion;
    ``images``, ``diagnoses`` and ``confirmations`` (N,) are names; ``thumbnails`` (bytes,) uint8 are WebP files, the
    i-th ending before ``ends[i]`` (N,); a photograph with a similarity of ``copy_from`` () or more counts as a copy.
    """

    centre: FloatArray
    directions: npt.NDArray[np.floating]
    codes: npt.NDArray[np.int8]
    lesions: npt.NDArray[np.int32]
    images: npt.NDArray[np.bytes_]
    diagnoses: npt.NDArray[np.bytes_]
    confirmations: npt.NDArray[np.bytes_]
    thumbnails: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int64]
    copy_from: FloatArray


class SimilarCases:
    """The confirmed cases of a bundle."""

    def __init__(self, arrays: CaseArrays) -> None:
        self.arrays = arrays
        self._unit = to_unit_length(arrays.codes)
        self._directions = arrays.directions.astype(np.float32)
        self._indices = {name.decode(): index for index, name in enumerate(arrays.images)}

    def find(self, embedding: FloatArray, count: int = SHOWN) -> tuple[SimilarCase, ...]:
        """Find the ``count`` lesions most similar to a photograph, given the embeddings (V, D) of its views.

        A lesion with a photograph of which this is a copy is left out, since it would match itself.
        """
        similarity = self.compare(embedding)
        nearest = np.argsort(-similarity, kind="stable")[:count]
        return tuple(self._describe(index, similarity[index]) for index in nearest if np.isfinite(similarity[index]))

    def compare(self, embedding: FloatArray) -> FloatArray:
        """Similarity (N,) of every lesion to a photograph; −∞ if it is a copy of one of the lesion's photographs."""
        arrays = self.arrays
        projected = project(join_views(embedding), arrays.centre, self._directions)
        to_photographs = self._unit @ projected
        similarity = to_photographs[: len(arrays.images)].copy()
        similarity[arrays.lesions[to_photographs >= arrays.copy_from]] = -np.inf
        return similarity

    def thumbnail(self, image_id: str) -> bytes | None:
        """The WebP thumbnail of a case, or None for an unknown name."""
        index = self._indices.get(image_id)
        if index is None:
            return None
        start = 0 if index == 0 else int(self.arrays.ends[index - 1])
        return self.arrays.thumbnails[start : int(self.arrays.ends[index])].tobytes()

    def _describe(self, index: int, similarity: float) -> SimilarCase:
        arrays = self.arrays
        image_id, diagnosis, confirmation = (
            names[index].decode() for names in (arrays.images, arrays.diagnoses, arrays.confirmations)
        )
        return SimilarCase(image_id, diagnosis, confirmation, float(similarity))


def load_similar_cases(bundle: Bundle) -> SimilarCases | None:
    """Load the cases of a verified bundle, or None if it has none. Raises ``BundleError`` for invalid arrays."""
    if SIMILAR_CASES_FILE not in bundle.manifest.files:
        return None
    path = bundle.path / SIMILAR_CASES_FILE
    stored = bundle.read_arrays(SIMILAR_CASES_FILE)
    if set(stored) != set(CaseArrays.__slots__):
        raise BundleError(f"{path}: cannot be read as similar cases; build the bundle again.")
    arrays = CaseArrays(**stored)
    if not _fit_together(arrays):
        raise BundleError(f"{path}: its cases do not belong together; build the bundle again.")
    return SimilarCases(arrays)


def _fit_together(arrays: CaseArrays) -> bool:
    return _have_shapes(arrays) and _have_values(arrays)


def _have_shapes(arrays: CaseArrays) -> bool:
    dimensions = {"directions": 2, "codes": 2, "copy_from": 0}
    if any(getattr(arrays, name).ndim != dimensions.get(name, 1) for name in CaseArrays.__slots__):
        return False
    if any(getattr(arrays, name).dtype.kind != kind for name, kind in DTYPE_KINDS.items()):
        return False
    count = len(arrays.images)
    return (
        all(len(array) == count for array in (arrays.diagnoses, arrays.confirmations, arrays.ends))
        and len(arrays.codes) == len(arrays.lesions) >= count > 0
        and arrays.directions.shape == (len(arrays.centre), arrays.codes.shape[1])
        and arrays.thumbnails.dtype == np.uint8
        and arrays.codes.dtype == np.int8
    )


def _have_values(arrays: CaseArrays) -> bool:
    """Whether every photograph belongs to a lesion, all names are valid, and every thumbnail lies within the bytes."""
    count, starts = len(arrays.images), np.concatenate(([0], arrays.ends[:-1]))
    lengths = arrays.ends - starts
    try:
        names = {name.decode() for name in arrays.images.tolist()} | {name.decode() for name in arrays.confirmations}
    except UnicodeDecodeError:
        return False
    return bool(
        (arrays.lesions[:count] == np.arange(count)).all()
        and (arrays.lesions >= 0).all()
        and (arrays.lesions < count).all()
        and (lengths > 0).all()
        and int(lengths.max()) <= LARGEST_THUMBNAIL
        and int(arrays.ends[-1]) == len(arrays.thumbnails)
        and {code.encode() for code in CLASSES}.issuperset(arrays.diagnoses.tolist())
        and all(NAME.fullmatch(name) for name in names)
    )


def save_similar_cases(directory: Path, arrays: CaseArrays) -> None:
    """Write ``SIMILAR_CASES_FILE`` with fixed dates, so that equal cases give an identical file."""
    with zipfile.ZipFile(directory / SIMILAR_CASES_FILE, "w") as archive:
        for name in CaseArrays.__slots__:
            content = io.BytesIO()
            np.save(content, getattr(arrays, name))
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())


def join_views(embedding: FloatArray) -> FloatArray:
    """Mean of the embeddings of an image's views (..., V, D), at unit length (..., D)."""
    return to_unit_length(embedding.astype(np.float32).mean(axis=-2))


def project(embedding: FloatArray, centre: FloatArray, directions: FloatArray) -> FloatArray:
    """Project joined embeddings (..., D) to the unit vectors (..., K) in which photographs are compared."""
    return to_unit_length((embedding - centre) @ directions)


def quantise(vectors: FloatArray) -> npt.NDArray[np.int8]:
    """Quantise the directions of ``vectors`` (N, K) to int8, each scaled by its own largest number."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    return np.asarray(np.rint(vectors / np.maximum(largest, np.finfo(np.float32).tiny) * LEVELS), np.int8)


def to_unit_length(vectors: npt.NDArray[np.floating] | npt.NDArray[np.int8]) -> FloatArray:
    """Vectors (..., D) scaled to length 1; zero vectors stay zero."""
    lengths = np.linalg.norm(vectors.astype(np.float32), axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)
