"""Melanomas and nevi that the network has not seen, in one examination.

``unseen_readings.json`` keeps readings of the shipped network of HAM10000's fold 4 (CC BY-NC 4.0, ViDIR Group): the
first photograph of every melanoma that alone is not *low risk*, and of 40 nevi.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml.bundle.folder import Bundle
from ml.bundle.manifest import Manifest
from ml.data.isic import read_isic
from ml.data.split import select_folds
from ml.evaluation.observe import ANY_SIZE, open_picture
from ml.evaluation.shifts import save_jpeg
from ml.serve.image_io import normalise_upload
from ml.serve.pool import DIFFERENT_LESIONS, Photograph, find_quality, pool_readings
from ml.serve.predictor import Predictor

KEPT = json.loads(Path(__file__).with_name("unseen_readings.json").read_text(encoding="utf-8"))


def restore(kept: dict[str, Any]) -> Photograph:
    return Photograph(
        kept["image"],
        kept["probabilities"],
        kept["outcome"],
        kept["reason"],
        quality=kept["sharpness"],
        embedding=kept["signature"],
    )


MELANOMAS, NEVI = ([restore(each) for each in KEPT[kind]] for kind in ("melanomas", "nevi"))


def without_looking(manifest: Manifest) -> Manifest:
    """The manifest with a pool that never takes photographs for different lesions."""
    assert manifest.pooling is not None
    return replace(manifest, pooling=replace(manifest.pooling, same_from=-2))


@pytest.mark.parametrize("count", range(1, 6))
def test_a_melanoma_among_nevi_is_never_low_risk(bundle: Bundle, count: int) -> None:
    blind, diluted = without_looking(bundle.manifest), 0
    for place, melanoma in enumerate(MELANOMAS):
        nevi = [NEVI[(place + step) % len(NEVI)] for step in range(count)]
        for examination in ([melanoma, *nevi], [*nevi, melanoma]):
            assert pool_readings(examination, bundle.manifest).outcome in {"refer_uncertain", "suspicious"}
            pooled = pool_readings(examination, blind)
            assert pooled.outcome in {"refer_uncertain", "suspicious"}
            assert pooled.malignant_probability is not None
            diluted += pooled.malignant_probability < bundle.manifest.thresholds.malignant.low_risk_below
    assert diluted, "the sum alone would have been low risk"


def test_nine_of_ten_melanomas_are_told_from_a_nevus(bundle: Bundle) -> None:
    told = [
        pool_readings([melanoma, nevus], bundle.manifest).reason == DIFFERENT_LESIONS
        for melanoma in MELANOMAS
        for nevus in NEVI
    ]
    assert sum(told) >= 0.9 * len(told)


def read_as(key: str, upload: bytes, predictor: Predictor) -> Photograph:
    reading = predictor.read(normalise_upload(upload, limits=ANY_SIZE).data)
    return Photograph(
        key,
        reading.probabilities.tolist(),
        reading.outcome,
        reading.reason,
        quality=find_quality(reading.measures, predictor.bundle.manifest),
        embedding=reading.signature,
    )


def test_the_shipped_network_tells_lesions_and_copies_apart(predictor: Predictor, data_dir: Path) -> None:
    records = {each.image_id: each for each in select_folds(read_isic(data_dir / "isic2018_task3").records, ("4",))}
    paths = [records[kept.key].path for kept in (MELANOMAS[0], NEVI[0])]
    melanoma, nevus = (read_as(path.stem, path.read_bytes(), predictor) for path in paths)
    for read, kept in ((melanoma, MELANOMAS[0]), (nevus, NEVI[0])):
        assert read.probabilities == pytest.approx(kept.probabilities, abs=1e-4)
        assert read.quality == pytest.approx(kept.quality, abs=1e-4)
        assert read.outcome == kept.outcome
        # Rounded to whole numbers: another processor may round one that lies between two to the other.
        assert read.embedding == pytest.approx(kept.embedding, abs=1)
    pooled = pool_readings([melanoma, nevus], predictor.bundle.manifest)
    assert (pooled.outcome, pooled.reason) == ("suspicious", DIFFERENT_LESIONS)

    again = read_as("saved again", save_jpeg(open_picture(paths[1]), 95), predictor)
    assert again.probabilities != nevus.probabilities
    with_copy = pool_readings([nevus, again], predictor.bundle.manifest)
    assert with_copy.left_out == {"saved again": "near_duplicate"}
    assert with_copy.probabilities == tuple(nevus.probabilities or ()), "the sum changes by less than 1e-6"
