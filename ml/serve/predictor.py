"""The predictor: from a stored image to a reading."""

import time
from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.bundle.folder import Bundle
from ml.serve import preprocess, quality
from ml.serve.detector import load_detector
from ml.serve.image_io import Pixels, decode_stored
from ml.serve.interpretation import Float32Array, Observation, Reading, interpret, score
from ml.serve.lesion_mask import lay_mask, measure_lesion, widest_view
from ml.serve.runtime import Runtime, open_runtime
from ml.serve.similar_cases import load_similar_cases
from ml.taxonomy import MALIGNANT_INDICES

DECODED_SIDE_PER_INPUT = 2
ACTIVATION_MAP_SIDE = 160


class Predictor:
    """A bundle opened on a runtime, given by name or as an object; thread-safe."""

    def __init__(self, bundle: Bundle, runtime: str | Runtime = "auto", threads: int = 1) -> None:
        self.bundle = bundle
        self.detector = load_detector(bundle)
        self.similar_cases = load_similar_cases(bundle)
        self._manifest = bundle.manifest
        self._runtime = open_runtime(bundle, runtime, threads) if isinstance(runtime, str) else runtime

    def read(self, stored: bytes, *, declared: Collection[str] = ()) -> Reading:
        """Read an image from its stored bytes; raises ``ImageRejected`` if they cannot be decoded.

        ``declared`` are codes of known facts about the lesion; the manifest lists those that make it not assessable.
        """
        return self.conclude(self.observe(stored), declared=declared)

    def conclude(self, observation: Observation, *, declared: Collection[str] = ()) -> Reading:
        """The reading of an observation, with its similar cases."""
        reading = interpret(observation, self._manifest, self.detector, declared=declared)
        if self.similar_cases is None or not reading.is_read:
            return reading
        return replace(reading, similar_cases=self.similar_cases.find(reading.embedding))

    def observe(self, stored: bytes) -> Observation:
        """Decode, preprocess, run the network and measure; raises ``ImageRejected`` if the bytes cannot be decoded."""
        started = time.perf_counter()
        image = self._decode(stored)
        decoded = time.perf_counter()
        batch = preprocess.views(image, self._manifest.input)
        prepared = time.perf_counter()
        outputs = self._runtime.run(batch)
        computed = time.perf_counter()
        mask = outputs.mask[widest_view(self._manifest.input)]
        measures = quality.measure_quality(image) | self._measure_lesion(mask, image)
        spent = {"decode": decoded - started, "network": computed - prepared, "total": time.perf_counter() - started}
        return Observation(
            logits=outputs.logits,
            embedding=outputs.embedding,
            late_statistics=outputs.late_statistics,
            mask=mask,
            measures=measures,
            runtime=self._runtime.name,
            milliseconds={name: seconds * 1000 for name, seconds in spent.items()},
        )

    def _measure_lesion(self, mask: Float32Array, image: Pixels) -> dict[str, float]:
        height, width = image.shape[:2]
        return measure_lesion(lay_mask(mask, width, height, self._manifest.input)) if mask.size else {}

    def activation_map(self, stored: bytes) -> Float32Array:
        """Class activation map of the malignant classes, (H', W') from 0 to 1, of the whole upright image.

        Class activation maps (Zhou et al., CVPR 2016) of the malignant classes weighted by their probabilities, minus
        the mean of all classes (softmax depends on differences only); averaged over the views at their positions, and
        scaled to 0 to 1. The longer side has 160 pixels; pixels outside all views are 0. It shows attention and is no
        evidence.
        """
        image = self._decode(stored)
        outputs = self._runtime.run(preprocess.views(image, self._manifest.input))
        probabilities, _ = score(outputs.logits, self._manifest)
        malignant = list(MALIGNANT_INDICES)
        weights = probabilities[malignant] / probabilities[malignant].sum()
        class_maps = outputs.activation_map
        malignant_maps = np.einsum("c,vchw->vhw", weights, class_maps[:, malignant]) - class_maps.mean(axis=1)
        scale = ACTIVATION_MAP_SIDE / max(image.shape[:2])
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        total, seen = np.zeros((2, height, width), np.float32)
        for values, box in zip(malignant_maps, preprocess.view_boxes(width, height, self._manifest.input), strict=True):
            left, top, right, bottom = (round(edge) for edge in box)
            size = (max(1, right - left), max(1, bottom - top))
            patch = Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
            total[top : top + size[1], left : left + size[0]] += np.asarray(patch)
            seen[top : top + size[1], left : left + size[0]] += 1
        return _stretch(total / np.maximum(seen, 1), seen > 0)

    def _decode(self, stored: bytes) -> Pixels:
        return decode_stored(stored, at_least=DECODED_SIDE_PER_INPUT * self._manifest.input.size)


def _stretch(values: Float32Array, seen: npt.NDArray[np.bool_]) -> Float32Array:
    """Scale the seen values linearly to 0 to 1; unseen ones become 0."""
    least, most = values[seen].min(), values[seen].max()
    return np.asarray(np.where(seen, (values - least) / max(most - least, np.finfo(np.float32).tiny), 0), np.float32)
