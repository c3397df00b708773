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
from ml.data.pictures import read_upload
from ml.data.split import select_folds
from ml.serve.image_limits import Limits
from ml.serve.pool import DIFFERENT_LESIONS, Photograph, pool_readings
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


def test_the_shipped_network_reads_a_melanoma_and_a_nevus_as_two_lesions(predictor: Predictor, data_dir: Path) -> None:
    records = {each.image_id: each for each in select_folds(read_isic(data_dir / "isic2018_task3").records, ("4",))}
    examination = []
    for key, kept in (("melanoma", MELANOMAS[0]), ("nevus", NEVI[0]), ("again", NEVI[0])):
        reading = predictor.read(read_upload(records[kept.key].path, limits=Limits(min_side=1)))
        examination.append(
            Photograph(
                key, reading.probabilities.tolist(), reading.outcome, reading.reason, embedding=reading.signature
            )
        )
        assert reading.signature == tuple(kept.embedding or ())
        assert reading.probabilities == pytest.approx(kept.probabilities, abs=1e-4)
    pooled = pool_readings(examination, predictor.bundle.manifest)
    assert (pooled.outcome, pooled.reason) == ("suspicious", DIFFERENT_LESIONS)
    again = pool_readings(examination[1:], predictor.bundle.manifest)
    assert again.left_out == {"again": "near_duplicate"}
