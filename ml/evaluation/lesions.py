"""Evaluation of similar cases and lesion masks on a fold."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ml.bundle.folder import Bundle
from ml.data.isic import Record
from ml.data.masks import find_mask, has_masks, shrink_mask
from ml.evaluation.evaluate import Evaluation
from ml.evaluation.observe import open_picture
from ml.evaluation.segmentation import measure_masks
from ml.evaluation.similar_cases import measure_similar_cases
from ml.serve.lesion_mask import grid_size, lay_mask
from ml.serve.similar_cases import load_similar_cases


def describe_lesions(bundle: Bundle, evaluation: Evaluation, records: Mapping[str, Record]) -> dict[str, Any]:
    """``similar_cases`` and ``segmentation`` of an evaluated fold, each if the bundle and the data have it."""
    chosen = [records[item.image_id] for item in evaluation.items]
    groups = [record.group for record in chosen]
    described: dict[str, Any] = {}
    if (cases := load_similar_cases(bundle)) is not None:
        labels = np.array([record.label for record in chosen])
        embeddings = [reading.embedding for reading in evaluation.readings]
        described["similar_cases"] = measure_similar_cases(cases, embeddings, labels, groups)
    data_dir = chosen[0].path.parent.parent
    if evaluation.readings[0].mask.size and has_masks(data_dir):
        sizes = [open_picture(record.path).size for record in chosen]
        drawn = [
            shrink_mask(find_mask(data_dir, record.image_id), grid_size(*size))
            for record, size in zip(chosen, sizes, strict=True)
        ]
        masks = [
            lay_mask(reading.mask, *size, bundle.manifest.input)
            for reading, size in zip(evaluation.readings, sizes, strict=True)
        ]
        described["segmentation"] = measure_masks(masks, drawn, [record.path for record in chosen], groups)
    return described
