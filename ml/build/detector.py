"""Fit of a bundle's out-of-distribution detector; needs requirements/ml.txt for OpenCV's measures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.data.isic import Record
from ml.data.masks import find_mask, shrink_mask
from ml.evaluation.fit.out_of_distribution import Halves, OtherPhotographs, estimate_areas, fit_detector, fit_limits
from ml.evaluation.observe import (
    Maker,
    Observer,
    average_statistics,
    from_common,
    from_file,
    open_picture,
    simulate,
)
from ml.metrics.shares import estimate_share
from ml.serve.detector import IMAGE_DOMAINS, MEASURES, DetectorArrays, measure_distance
from ml.serve.lesion_mask import measure_extent
from ml.taxonomy import CLASSES

FloatArray = npt.NDArray[np.float64]

TRAINING_IMAGES = 1500
SEED = 0
FIRST_SHIFT = 1_000_000
"""First seed of the simulated dermatoscopes for fitting; those of reports start at 0."""
MASK_SIZE = (80, 60)
WITHOUT_MASKS = "add HAM10000's segmentations or build without other photographs"
HELD_OUT = "VASC"
HELD_OUT_INDEX = CLASSES.index(HELD_OUT)


def build_detector(
    observer: Observer, training: Sequence[Record], data_dir: Path, others: OtherPhotographs
) -> tuple[DetectorArrays, dict[str, Any]]:
    """Fit the detector on 1,500 training records, original and with a simulated dermatoscope.

    Returns it with the results of a second fit without any image of VASC, for that held-out class.
    """
    records = draw_fitting_pictures(training)
    plain = _observe(observer, [from_common(record.path) for record in records], "gate: plain")
    changed = [simulate(record.path, FIRST_SHIFT + index) for index, record in enumerate(records)]
    shifted = _observe(observer, changed, "gate: other dermatoscopes")
    kinds = {
        kind: _observe(observer, _guises(half), f"gate: {kind}")
        for kind, half in zip(IMAGE_DOMAINS[1:], (others.clinical, others.everyday), strict=True)
    }
    measures = measure_pictures(records, data_dir)
    arrays = fit_detector(np.concatenate((plain, shifted)), kinds, plain, measures)
    seen = np.array([record.label != HELD_OUT_INDEX for record in records])
    without = fit_detector(np.concatenate((plain[seen], shifted[seen])), kinds, plain[seen], measures[seen])
    return arrays, describe_held_out(without, plain, seen, [record.group for record in records])


def draw_fitting_pictures(training: Sequence[Record]) -> list[Record]:
    """The training records, in order, that fit the detector and its probes; the draw is fixed."""
    order = np.random.default_rng(SEED).permutation(len(training))[:TRAINING_IMAGES]
    return [training[index] for index in np.sort(order)]


def measure_pictures(records: Sequence[Record], data_dir: Path) -> FloatArray:
    """``ml.serve.detector.MEASURES`` (N, 6) of images: two from lesion masks, four from the artefact scores."""
    masks = [find_mask(data_dir, record.image_id, remedy=WITHOUT_MASKS) for record in records]
    return np.array(
        [
            [*measure_extent(shrink_mask(mask, MASK_SIZE)), *_artefacts(record)]
            for record, mask in zip(records, masks, strict=True)
        ]
    )


def describe_held_out(
    without: DetectorArrays, plain: FloatArray, seen: npt.NDArray[np.bool_], groups: Sequence[str]
) -> dict[str, Any]:
    """Distance and refusals of a held-out class by a detector that has not seen it.

    Intervals are over ``groups`` (N,), the images' lesions.
    """
    spec = fit_limits(without, plain[seen], "")
    distance = measure_distance(plain, without)
    return {
        "class": HELD_OUT,
        "images": int((~seen).sum()),
        "refused_as_unlike": estimate_share(
            list(distance[~seen] > spec.distance_to),
            [group for group, inside in zip(groups, seen, strict=True) if not inside],
        ).to_json(),
        "auroc_distance": estimate_areas({"distance": -distance}, seen, groups)["distance"].to_json(),
    }


def _observe(observer: Observer, makers: Sequence[Maker], name: str) -> FloatArray:
    return average_statistics(observer.observe(makers, name))


def _guises(half: Halves) -> list[Maker]:
    return [make(path) for path in half.fitting for make in (from_common, from_file)]


def score_record(record: Record) -> dict[str, float]:
    """Artefact scores of an image without its lesion mask, the targets of the artefact probes."""
    from ml.data.artefacts import score_artefacts

    return score_artefacts(np.asarray(open_picture(record.path)))


def _artefacts(record: Record) -> list[float]:
    scores = score_record(record)
    return [scores[name] for name in MEASURES[2:]]
