"""``docs/repeatability.json``: how far readings of one lesion differ, alone and pooled; the model card shows it."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml.bundle.folder import Bundle, load_bundle
from ml.bundle.manifest import PoolingRule
from ml.data.isic import Dataset, hash_records, read_isic
from ml.data.split import CALIBRATION_FOLD, TEST, select_folds
from ml.errors import UserError
from ml.evaluation.evaluate import evaluate_bundle
from ml.evaluation.pooling import (
    Lesion,
    gather_lesions,
    measure_alone,
    measure_rule,
    measure_similarity,
    to_json,
    with_several,
)
from ml.evaluation.repeatability import measure_dilution, measure_repeatability
from ml.pipelines.study.results import write_json
from ml.support.disk import check_can_be_written
from ml.support.environment import find_git_revision

RESULTS = Path(__file__).parents[2] / "docs" / "repeatability.json"
FOLDS = (CALIBRATION_FOLD, TEST)
"""The folds that no network of this project is trained on."""


def measure(bundle: Bundle, by_fold: dict[str, list[Lesion]]) -> dict[str, Any]:
    """Every figure of the lesions of the two folds, as JSON."""
    manifest = bundle.manifest
    if manifest.pooling is None:
        raise UserError(f"{bundle.path}: has no rule of pooling; python -m ml remeasure --pooling fits one")
    lesions = [each for fold in by_fold.values() for each in fold]
    rules = {"pooled": manifest.pooling, "mean": _of_equal_weights(manifest.pooling)}
    several = with_several(by_fold[TEST])
    return {
        "bundle": {"name": manifest.name, "version": manifest.version, "sha256": bundle.sha256},
        "repeatability": {
            "both folds": measure_repeatability(lesions, manifest),
            **{name_fold(fold): measure_repeatability(each, manifest) for fold, each in by_fold.items()},
        },
        "dilution": measure_dilution(lesions, manifest),
        "test": {
            "lesions": len(several),
            "single": to_json(measure_alone(several, manifest)),
            **{name: to_json(measure_rule(several, manifest, rule)) for name, rule in rules.items()},
            "similarity": measure_similarity(by_fold[TEST], manifest.pooling),
        },
    }


def name_fold(fold: str) -> str:
    """A fold in words."""
    return "test fold" if fold == TEST else f"fold {fold}"


def read_fold(bundle: Bundle, dataset: Dataset, fold: str, *, why: str, kept: Path | None) -> list[Lesion]:
    """The lesions of a fold, read as uploads are; that the test fold is read is logged."""
    images, reason = dataset.records[0].path.parent, why if fold == TEST else None
    evaluation = evaluate_bundle(bundle, images, dataset.ground_truth, fold=fold, why=reason, kept=kept)
    of_image = {item.image_id: reading for item, reading in zip(evaluation.items, evaluation.readings, strict=True)}
    records = [each for each in select_folds(dataset.records, (fold,)) if each.image_id in of_image]
    return gather_lesions(records, [of_image[each.image_id] for each in records])


def _of_equal_weights(rule: PoolingRule) -> PoolingRule:
    return replace(rule, odds_power=0, quality_power=0, quality_measure=None)


def main(options: argparse.Namespace) -> int:
    """Read both folds, measure, and write the file."""
    out = options.out or RESULTS
    check_can_be_written(out)
    bundle, dataset = load_bundle(options.bundle), read_isic(options.data)
    by_fold = {fold: read_fold(bundle, dataset, fold, why=options.why, kept=options.keep) for fold in FOLDS}
    known = {
        "command": "python -m ml repeatability --data DIR --why TEXT",
        "revision": find_git_revision(),
        "data_sha256": hash_records(select_folds(dataset.records, FOLDS)),
    }
    write_json(out, known | measure(bundle, by_fold))
    print(out)
    return 0
