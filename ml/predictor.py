"""A stored image in, a reading out."""

import time
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml import preprocess, quality
from ml.bundle import Bundle, MalignantThresholds, Manifest
from ml.image_io import Pixels, decode_stored
from ml.runtime import open_runtime
from ml.taxonomy import MALIGNANT_INDICES

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

DECODED_SIDE_PER_INPUT = 2
ACTIVATION_MAP_SIDE = 160


class Outcome(StrEnum):
    """What a reading says to its reader; never an "all clear"."""

    LOW_RISK = "low_risk"
    SUSPICIOUS = "suspicious"
    REFER_UNCERTAIN = "refer_uncertain"
    NOT_ASSESSABLE = "not_assessable"


@dataclass(frozen=True, slots=True)
class Reading:
    """One photograph read.

    ``logits`` (V, 7) are raw, a row per view; ``probabilities`` (7,) are calibrated to the manifest's target prior;
    ``balanced_scores`` (7,) have the prior divided out; ``reason`` is below_low_risk_threshold,
    above_suspicious_threshold, between_thresholds or blank_frame; ``milliseconds`` has decode, network and total.
    """

    logits: Float32Array
    probabilities: FloatArray
    balanced_scores: FloatArray
    malignant_probability: float
    outcome: Outcome
    reason: str
    flags: tuple[str, ...]
    embedding: Float32Array
    runtime: str
    milliseconds: dict[str, float]


class Predictor:
    """A bundle opened on a runtime; safe to share between threads."""

    def __init__(self, bundle: Bundle, runtime: str = "auto", threads: int = 1) -> None:
        self.bundle = bundle
        self._manifest = bundle.manifest
        self._runtime = open_runtime(bundle, runtime, threads)

    def read(self, stored: bytes) -> Reading:
        """Read an image from its stored bytes; raises ``ImageRejected`` when they cannot be decoded."""
        started = time.perf_counter()
        image = self._decode(stored)
        decoded = time.perf_counter()
        batch = preprocess.views(image, self._manifest.input)
        prepared = time.perf_counter()
        outputs = self._runtime.run(batch)
        computed = time.perf_counter()
        photograph = quality.assess(image, self._manifest.quality)
        probabilities, balanced_scores = score(outputs.logits, self._manifest)
        malignant = float(probabilities[list(MALIGNANT_INDICES)].sum())
        outcome, reason = decide(malignant, photograph.not_assessable, self._manifest.thresholds.malignant)
        spent = {"decode": decoded - started, "network": computed - prepared, "total": time.perf_counter() - started}
        return Reading(
            logits=outputs.logits,
            probabilities=probabilities,
            balanced_scores=balanced_scores,
            malignant_probability=malignant,
            outcome=outcome,
            reason=reason,
            flags=photograph.flags,
            embedding=outputs.embedding,
            runtime=self._runtime.name,
            milliseconds={name: seconds * 1000 for name, seconds in spent.items()},
        )

    def activation_map(self, stored: bytes) -> Float32Array:
        """Where the network's malignant classes were activated: (H', W') from 0 to 1, of the whole upright image.

        Class-activation maps (Zhou et al., CVPR 2016) of the malignant classes weighted by their probabilities, less
        the mean of all classes (softmax knows differences only); laid where their views lie, averaged, and stretched
        from least to most. The longer side has 160 pixels; what no view sees is 0. Attention, not evidence.
        """
        image = self._decode(stored)
        outputs = self._runtime.run(preprocess.views(image, self._manifest.input))
        probabilities, _ = score(outputs.logits, self._manifest)
        malignant = list(MALIGNANT_INDICES)
        weights = probabilities[malignant] / probabilities[malignant].sum()
        every = outputs.activation_map
        maps = np.einsum("c,vchw->vhw", weights, every[:, malignant]) - every.mean(axis=1)
        scale = ACTIVATION_MAP_SIDE / max(image.shape[:2])
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        total, seen = np.zeros((2, height, width), np.float32)
        for values, box in zip(maps, preprocess.view_boxes(width, height, self._manifest.input), strict=True):
            left, top, right, bottom = (round(edge) for edge in box)
            size = (max(1, right - left), max(1, bottom - top))
            patch = Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
            total[top : top + size[1], left : left + size[0]] += np.asarray(patch)
            seen[top : top + size[1], left : left + size[0]] += 1
        return _stretch(total / np.maximum(seen, 1), seen > 0)

    def _decode(self, stored: bytes) -> Pixels:
        return decode_stored(stored, at_least=DECODED_SIDE_PER_INPUT * self._manifest.input.size)


def score(logits: npt.NDArray[np.floating], manifest: Manifest) -> tuple[FloatArray, FloatArray]:
    """Raw logits (..., V, 7) of an image's views to (``probabilities``, ``balanced_scores``), each (..., 7).

    The views' softmaxes are averaged, the training prior divided out, the temperature applied; probabilities then get
    the target prior (Saerens et al., Neural Computation 2002).
    """
    return calibrate(
        average_views(logits),
        manifest.training_prior.frequencies,
        manifest.target_prior.frequencies,
        manifest.temperature,
    )


def average_views(logits: npt.NDArray[np.floating]) -> FloatArray:
    """Log of the mean over views of the softmax of logits (..., V, 7): (..., 7)."""
    mean = softmax(logits.astype(np.float64)).mean(axis=-2)
    return np.asarray(np.log(np.maximum(mean, np.finfo(np.float64).tiny)))


def calibrate(
    log_mean: FloatArray, training_prior: tuple[float, ...], target_prior: tuple[float, ...], temperature: float
) -> tuple[FloatArray, FloatArray]:
    """Log mean scores (..., 7) to (``probabilities``, ``balanced_scores``)."""
    scores = (log_mean - np.log(training_prior)) / temperature
    return softmax(scores + np.log(target_prior)), softmax(scores)


def decide(malignant: float, not_assessable: str | None, thresholds: MalignantThresholds) -> tuple[Outcome, str]:
    """The outcome and its reason's code from the malignant sum."""
    if not_assessable is not None:
        return Outcome.NOT_ASSESSABLE, not_assessable
    if malignant < thresholds.low_risk_below:
        return Outcome.LOW_RISK, "below_low_risk_threshold"
    if malignant >= thresholds.suspicious_from:
        return Outcome.SUSPICIOUS, "above_suspicious_threshold"
    return Outcome.REFER_UNCERTAIN, "between_thresholds"


def _stretch(values: Float32Array, seen: npt.NDArray[np.bool_]) -> Float32Array:
    """From 0 for the least to 1 for the most of what was seen; 0 where nothing was."""
    least, most = values[seen].min(), values[seen].max()
    return np.asarray(np.where(seen, (values - least) / max(most - least, np.finfo(np.float32).tiny), 0), np.float32)


def softmax(values: FloatArray) -> FloatArray:
    """Softmax over the last axis."""
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))
