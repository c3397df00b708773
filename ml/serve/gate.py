"""May a picture be read at all? What kind it is, how far it lies from the training images, what of the lesion it shows.

All of it is linear algebra on what the network's one pass gives anyway, so that it costs next to nothing.
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
from ml.bundle.manifest import GATE_FILE, BundleError, GateSpec

FloatArray = npt.NDArray[np.float64]

KINDS = ("dermoscopy", "clinical_photograph", "not_skin_lesion")
"""What the modality head tells apart; a picture called one of the latter two is refused for that reason."""

MEASURES = ("lesion_area", "lesion_at_edge", "hair", "ruler", "ink", "dark_corner")
"""What the measure heads estimate: shares of the picture or of its border, and the scores of ``ml.data.artefacts``."""

UNLIKE_TRAINING = "unlike_training"


@dataclass(frozen=True, slots=True)
class GateArrays:
    """The gate's numbers; every row of weights is for (1, late statistics).

    ``kinds`` (3, 1 + 2C), ``measures`` (6, 1 + 2C) for the square roots of ``MEASURES``; ``centre`` (2C,) and
    ``whitening`` (2C, K), which turns a difference from the centre into one whose length is the distance.
    """

    kinds: FloatArray
    measures: FloatArray
    centre: FloatArray
    whitening: FloatArray


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """``reason`` is one of ``KINDS`` or unlike_training, or None where the picture may be read.

    ``dermoscopy`` is the log-odds of being dermoscopic, ``distance`` that from the training images.
    """

    reason: str | None
    dermoscopy: float
    distance: float
    measures: dict[str, float]


class Gate:
    """The gate of a bundle."""

    def __init__(self, arrays: GateArrays, spec: GateSpec) -> None:
        self.arrays, self.spec = arrays, spec

    def judge(self, late_statistics: npt.NDArray[np.floating]) -> GateVerdict:
        """Judge a picture by the late statistics of its views (V, 2C), averaged."""
        statistics = late_statistics.mean(axis=0, dtype=np.float64)
        logits = score_kinds(statistics, self.arrays)
        dermoscopy, distance = float(dermoscopy_odds(logits)), float(measure_distance(statistics, self.arrays))
        reason = None
        if dermoscopy < self.spec.dermoscopy_from:
            reason = KINDS[1 + int(np.argmax(logits[1:]))]
        elif distance > self.spec.distance_to:
            reason = UNLIKE_TRAINING
        return GateVerdict(reason, dermoscopy, distance, estimate_measures(statistics, self.arrays))


def load_gate(bundle: Bundle) -> Gate | None:
    """The gate of a verified bundle; None for one that has none. Raises ``BundleError`` where it is not sound."""
    if bundle.manifest.gate is None:
        return None
    stored = bundle.read_arrays(GATE_FILE)
    if set(stored) != set(GateArrays.__slots__) or not _fit_together(stored):
        raise BundleError(f"{bundle.path / GATE_FILE}: cannot be read as the gate's numbers; export the bundle again.")
    return Gate(GateArrays(**{name: array.astype(np.float64) for name, array in stored.items()}), bundle.manifest.gate)


def _fit_together(stored: Mapping[str, npt.NDArray[Any]]) -> bool:
    """Whether the arrays have the shapes that ``GateArrays`` tells, all of one length of statistics."""
    if any(array.dtype.kind != "f" for array in stored.values()) or stored["centre"].ndim != 1:
        return False
    length = len(stored["centre"])
    return (
        stored["kinds"].shape == (len(KINDS), 1 + length)
        and stored["measures"].shape == (len(MEASURES), 1 + length)
        and stored["whitening"].ndim == 2
        and len(stored["whitening"]) == length
    )


def save_gate(directory: Path, arrays: GateArrays) -> None:
    """Write ``GATE_FILE``, as 32-bit numbers and with fixed dates, so that the same numbers make the same file."""
    with zipfile.ZipFile(directory / GATE_FILE, "w") as archive:
        for name in GateArrays.__slots__:
            content = io.BytesIO()
            np.save(content, getattr(arrays, name).astype(np.float32))
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())


def score_kinds(statistics: FloatArray, arrays: GateArrays) -> FloatArray:
    """Logits (..., 3) of ``KINDS`` from late statistics (..., 2C)."""
    return statistics @ arrays.kinds[:, 1:].T + arrays.kinds[:, 0]


def dermoscopy_odds(logits: FloatArray) -> FloatArray:
    """Log-odds (...) of the first kind against all others, from logits (..., 3)."""
    return np.asarray(logits[..., 0] - np.logaddexp(logits[..., 1], logits[..., 2]))


def measure_distance(statistics: FloatArray, arrays: GateArrays) -> FloatArray:
    """Mahalanobis distance (...) of late statistics (..., 2C) from the training images'."""
    return np.asarray(np.linalg.norm((statistics - arrays.centre) @ arrays.whitening, axis=-1))


def estimate_measures(statistics: FloatArray, arrays: GateArrays) -> dict[str, float]:
    """``MEASURES`` by name from late statistics (2C,)."""
    roots = statistics @ arrays.measures[:, 1:].T + arrays.measures[:, 0]
    return {name: float(np.maximum(root, 0) ** 2) for name, root in zip(MEASURES, roots, strict=True)}
