"""Out-of-distribution detector: image domain, distance from the training images, and artefact probes.

All are linear functions of the late statistics that the network's forward pass computes anyway, so the cost is
negligible.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.bundle.folder import Bundle
from ml.bundle.manifest import DETECTOR_FILE, BundleError, DetectorSpec

FloatArray = npt.NDArray[np.float64]

IMAGE_DOMAINS = ("dermoscopy", "clinical_photograph", "not_skin_lesion")
"""Image domains that the domain probe separates; images of the last two are refused, with the domain as the reason."""

MEASURES = ("lesion_area", "lesion_at_edge", "hair", "ruler", "ink", "dark_corner")
"""Targets of the artefact probes: shares of the image or of its border, and the scores of ``ml.data.artefacts``."""

UNLIKE_TRAINING = "unlike_training"

LEVELS = 127
"""Largest absolute number of a signature."""


@dataclass(frozen=True, slots=True)
class DetectorArrays:
    """Weights of the out-of-distribution detector; every row of weights is for (1, late statistics).

    ``kinds`` (3, 1 + 2C): the domain probe; ``measures`` (6, 1 + 2C): the artefact probes, which predict square roots
    of ``MEASURES``; ``centre`` (2C,) and ``whitening`` (2C, K) of the Mahalanobis distance.
    """

    kinds: FloatArray
    measures: FloatArray
    centre: FloatArray
    whitening: FloatArray


@dataclass(frozen=True, slots=True)
class DetectorVerdict:
    """The detector's verdict; ``reason`` is an image domain, unlike_training, or None if the image may be read.

    ``dermoscopy`` is the log-odds of a dermoscopic image, ``distance`` the Mahalanobis distance from the training
    images, ``signature`` as in ``Reading``.
    """

    reason: str | None
    dermoscopy: float
    distance: float
    measures: dict[str, float]
    signature: tuple[int, ...]


class Detector:
    """The out-of-distribution detector of a bundle."""

    def __init__(self, arrays: DetectorArrays, spec: DetectorSpec) -> None:
        self.arrays, self.spec = arrays, spec

    def judge(self, late_statistics: npt.NDArray[np.floating]) -> DetectorVerdict:
        """Judge an image by the mean of the late statistics (V, 2C) of its test-time views."""
        statistics = late_statistics.mean(axis=0, dtype=np.float64)
        logits = score_domains(statistics, self.arrays)
        dermoscopy, distance = float(dermoscopy_odds(logits)), float(measure_distance(statistics, self.arrays))
        reason = None
        if dermoscopy < self.spec.dermoscopy_from:
            reason = IMAGE_DOMAINS[1 + int(np.argmax(logits[1:]))]
        elif distance > self.spec.distance_to:
            reason = UNLIKE_TRAINING
        return DetectorVerdict(
            reason=reason,
            dermoscopy=dermoscopy,
            distance=distance,
            measures=estimate_measures(statistics, self.arrays),
            signature=sign(statistics, self.arrays),
        )


def load_detector(bundle: Bundle) -> Detector | None:
    """Load the detector of a verified bundle, or None if it has none. Raises ``BundleError`` for invalid arrays."""
    if bundle.manifest.gate is None:
        return None
    stored = bundle.read_arrays(DETECTOR_FILE)
    if set(stored) != set(DetectorArrays.__slots__) or not _fit_together(stored):
        raise BundleError(
            f"{bundle.path / DETECTOR_FILE}: cannot be read as the detector's numbers; export the bundle again."
        )
    return Detector(
        DetectorArrays(**{name: array.astype(np.float64) for name, array in stored.items()}), bundle.manifest.gate
    )


def _fit_together(stored: Mapping[str, npt.NDArray[Any]]) -> bool:
    """Whether the arrays are floating point and have the shapes of ``DetectorArrays`` for one number of statistics."""
    if any(array.dtype.kind != "f" for array in stored.values()) or stored["centre"].ndim != 1:
        return False
    length = len(stored["centre"])
    return (
        stored["kinds"].shape == (len(IMAGE_DOMAINS), 1 + length)
        and stored["measures"].shape == (len(MEASURES), 1 + length)
        and stored["whitening"].ndim == 2
        and len(stored["whitening"]) == length
    )


def save_detector(directory: Path, arrays: DetectorArrays) -> None:
    """Write ``DETECTOR_FILE`` as float32 with fixed dates, so that equal arrays give an identical file."""
    with zipfile.ZipFile(directory / DETECTOR_FILE, "w") as archive:
        for name in DetectorArrays.__slots__:
            content = io.BytesIO()
            np.save(content, getattr(arrays, name).astype(np.float32))
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())


def score_domains(statistics: FloatArray, arrays: DetectorArrays) -> FloatArray:
    """Logits (..., 3) of ``IMAGE_DOMAINS`` from late statistics (..., 2C)."""
    return statistics @ arrays.kinds[:, 1:].T + arrays.kinds[:, 0]


def dermoscopy_odds(logits: FloatArray) -> FloatArray:
    """Log-odds (...) of the dermoscopic domain against the others, from logits (..., 3)."""
    return np.asarray(logits[..., 0] - np.logaddexp(logits[..., 1], logits[..., 2]))


def measure_distance(statistics: FloatArray, arrays: DetectorArrays) -> FloatArray:
    """Mahalanobis distance (...) of late statistics (..., 2C) from those of the training images."""
    return np.asarray(np.linalg.norm((statistics - arrays.centre) @ arrays.whitening, axis=-1))


def sign(statistics: FloatArray, arrays: DetectorArrays) -> tuple[int, ...]:
    """The signature of an image: the direction (K,) of its whitened late statistics (2C,), in signed eight bits.

    Photographs of one lesion point in similar directions, those of different lesions do not (recognition by whitened
    features; Jegou and Chum, ECCV 2012).
    """
    whitened = (statistics - arrays.centre) @ arrays.whitening
    largest = max(float(np.abs(whitened).max()), np.finfo(np.float64).tiny)
    return tuple(np.rint(whitened / largest * LEVELS).astype(int).tolist())


def estimate_measures(statistics: FloatArray, arrays: DetectorArrays) -> dict[str, float]:
    """Predict ``MEASURES``, by name, from late statistics (2C,)."""
    roots = statistics @ arrays.measures[:, 1:].T + arrays.measures[:, 0]
    return {name: float(np.maximum(root, 0) ** 2) for name, root in zip(MEASURES, roots, strict=True)}
