"""Sanity checks of the heat-map: randomised weights and localisation.

Two checks on photographs of fold 4, on the served graph. Randomised weights: the layers are shuffled from the
classifier downwards, and the map should change (Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018).
Localisation: the overlap of the hottest pixels, as many as the lesion's mask has, with that mask, against a centred
disc of the same area, since photographers centre lesions.
"""

import argparse
import json
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from tqdm import tqdm

from ml.bundle.folder import Bundle, load_bundle
from ml.bundle.manifest import ONNX_FILE
from ml.data.isic import Record, read_isic
from ml.data.masks import find_mask, shrink_mask
from ml.data.pictures import read_upload
from ml.data.split import CALIBRATION_FOLD, select_folds
from ml.errors import UserError
from ml.evaluation.segmentation import overlap
from ml.metrics.bootstrap import estimate_mean
from ml.metrics.estimate import DIGITS, Estimate
from ml.metrics.ranks import correlate_ranks
from ml.serve.lesion_mask import Mask
from ml.serve.predictor import Predictor
from ml.serve.runtime.onnx import OnnxRuntime
from ml.support.disk import writing

Map = npt.NDArray[np.float32]

SHUFFLED_ON = 100
SEED = 2018
PART = re.compile(r"^model\.((?:blocks\.\d+)|\w+)")


def measure_heat_map(
    bundle: Bundle, records: Sequence[Record], data_dir: Path, *, progress: bool = True
) -> dict[str, Any]:
    """Both checks as plain JSON values; weights are randomised on 100 of the records.

    ``other_photographs`` is the similarity of maps of different photographs, the reference for no similarity.
    """
    drawn = [find_mask(data_dir, record.image_id) for record in records]
    stored = [read_upload(record.path) for record in records]
    maps = _draw(Predictor(bundle, "onnx"), stored, "heat-maps", progress=progress)
    masks = [shrink_mask(path, (hot.shape[1], hot.shape[0])) for path, hot in zip(drawn, maps, strict=True)]
    chosen = np.unique(np.linspace(0, len(records) - 1, SHUFFLED_ON).astype(int))
    correlations = []
    for part, runtime in randomise(bundle):
        shuffled = _draw(Predictor(bundle, runtime), [stored[index] for index in chosen], part, progress=progress)
        correlations.append(
            {"down_to": part, "rank_correlation": correlate_maps([maps[at] for at in chosen], shuffled)}
        )
    neighbours = [maps[(at + 1) % len(maps)] for at in chosen]
    overlaps = measure_overlap(maps, masks, [record.group for record in records])
    return {
        "images": len(records),
        "overlap": {name: each.to_json() for name, each in overlaps.items()},
        "randomised_images": len(chosen),
        "other_photographs": correlate_maps([maps[at] for at in chosen], neighbours),
        "randomised": correlations,
    }


def correlate_maps(ones: Sequence[Map], others: Sequence[Map]) -> float:
    """Mean rank correlation of pairs of maps of the same shape.

    Only pixels that the network sees are compared: outside the widest view every map is 0, which would count as
    similar.
    """
    pairs = [
        (one, other, (one > 0) | (other > 0))
        for one, other in zip(ones, others, strict=True)
        if one.shape == other.shape
    ]
    return round(
        float(np.mean([correlate_ranks(one=one[seen], other=other[seen]) for one, other, seen in pairs])), DIGITS
    )


def measure_overlap(maps: Sequence[Map], masks: Sequence[Mask], groups: Sequence[str]) -> dict[str, Estimate]:
    """Mean intersection over union with the lesion's mask, each with its interval over lesions.

    ``heat_map`` takes the hottest pixels, as many as the mask has; ``centred_disc`` those nearest the centre.
    """
    ours = np.array([overlap(take_highest(hot, int(mask.sum())), mask) for hot, mask in zip(maps, masks, strict=True)])
    disc = np.array([overlap(draw_disc(mask.shape, int(mask.sum())), mask) for mask in masks])
    rows = {"heat_map": ours, "centred_disc": disc, "difference": ours - disc}
    return {name: estimate_mean(values, groups) for name, values in rows.items()}


def take_highest(values: npt.NDArray[np.floating], count: int) -> Mask:
    """Mask of the ``count`` highest values of an array (H, W)."""
    chosen = np.zeros(values.size, bool)
    chosen[np.argsort(-values, axis=None, kind="stable")[:count]] = True
    return chosen.reshape(values.shape)


def draw_disc(shape: tuple[int, ...], count: int) -> Mask:
    """Mask (H, W) of the ``count`` pixels nearest the centre."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return take_highest(-((rows - (shape[0] - 1) / 2) ** 2 + (columns - (shape[1] - 1) / 2) ** 2), count)


def randomise(bundle: Bundle) -> Iterator[tuple[str, OnnxRuntime]]:
    """Yield (layer, runtime): the bundle's graph with its weights shuffled from the last layer down to that one.

    Values are shuffled within a tensor, so that its distribution and scale stay.
    """
    model = onnx.load_model_from_string(bundle.read(ONNX_FILE))
    parts: dict[str, list[Any]] = {}
    for weights in model.graph.initializer:
        if named := PART.match(weights.name):
            parts.setdefault(named[1], []).append(weights)
    random = np.random.default_rng(SEED)
    for part, tensors in reversed(parts.items()):
        for tensor in tensors:
            values = numpy_helper.to_array(tensor)
            tensor.CopyFrom(numpy_helper.from_array(random.permuted(values), tensor.name))
        yield part, OnnxRuntime(bundle, graph=model.SerializeToString())


def _draw(predictor: Predictor, stored: Sequence[bytes], name: str, *, progress: bool) -> list[Map]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        drawn = pool.map(predictor.activation_map, stored)
        return list(tqdm(drawn, name, total=len(stored), unit="image", disable=not progress))


def main(options: argparse.Namespace) -> int:
    """Run both checks and write them as JSON."""
    bundle = load_bundle(options.bundle)
    if not bundle.manifest.heat_map:
        raise UserError(f"{options.bundle}: its network gives no heat-map, so there is nothing to measure")
    records = select_folds(read_isic(options.data).records, CALIBRATION_FOLD)
    header = {"bundle": bundle.manifest.name, "graph": bundle.manifest.files[ONNX_FILE]}
    result = {**header, **measure_heat_map(bundle, records, options.data)}
    with writing(options.out):
        options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(options.out)
    return 0
