"""Fitting what a bundle's manifest says of its limits: calibration, outcome rule, prediction sets, gate, quality.

Needs no torch; the gate, which learns what the lesion masks and OpenCV measure, needs requirements/ml.txt.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ml.attribution import write_attribution
from ml.build_gate import build_gate
from ml.bundle import GATE_FILE, Bundle, Manifest, write_manifest
from ml.data.isic import Record, read_isic
from ml.data.pictures import read_upload
from ml.data.split import select_folds
from ml.evaluation.calibration import Priors, apply_calibration
from ml.evaluation.conformal import choose_sets
from ml.evaluation.fit.calibration import choose_calibration, fit_calibration
from ml.evaluation.metrics import Scored
from ml.evaluation.observe import Observer, average_statistics, from_file
from ml.evaluation.operating_points import fit_outcome_rule
from ml.evaluation.out_of_distribution import OtherPhotographs, fit_limits
from ml.gate import GateArrays, estimate_measures, save_gate
from ml.hashing import hash_file
from ml.image_io import decode_stored
from ml.predictor import DECODED_SIDE_PER_INPUT, Observation, average_views
from ml.quality import QualityRule, QualityRules, measure
from ml.rebuild import measure_calibration_fold

ROUNDED = 4
QUALITY_SAMPLE = 1000
NOT_ASSESSABLE_WHERE = ("nail", "mucosa", "eyelid", "ulcer", "tattoo")
PICTURE_FLAGS = (
    ("blurred", "sharpness", "below", 0.5),
    ("dark", "bright", "below", 0.5),
    ("overexposed", "bright", "above", 0.5),
    ("low_contrast", "contrast", "below", 0.5),
    ("small", "short_side", "below", 0.0),
)
HEAD_FLAGS = (
    ("lesion_cut_off", "lesion_at_edge", "above", 2.0),
    ("lesion_tiny", "lesion_area", "below", 1.0),
    ("hair", "hair", "above", 2.0),
    ("ruler", "ruler", "above", 2.0),
    ("ink", "ink", "above", 1.0),
)
"""Name, measure, side, and the per cent of photographs that the flag is to be raised by."""

Measures = Sequence[dict[str, float]]


def refit_bundle(
    bundle: Bundle, observer: Observer, data_dir: Path, *, calibration_fold: str, others: OtherPhotographs | None
) -> Bundle:
    """Fit all limits, write them into the manifest, and measure the calibration fold.

    Probabilities, outcome rule and prediction sets are fitted on ``calibration_fold``, quality limits on folds 0 to 3,
    and the gate, which needs photographs of other kinds, on these and folds 0 to 3; without ``others`` there is none.
    """
    dataset = read_isic(data_dir)
    training = select_folds(dataset.records, "0123")
    gate = None if others is None else build_gate(observer, training, data_dir, others)
    chosen = select_folds(dataset.records, (calibration_fold,))
    where = f"fold {calibration_fold}"
    observations = observer.observe([from_file(record.path) for record in chosen], where)
    manifest = fit_decisions(bundle.manifest, chosen, observations, where)
    quality = fit_picture_quality(training, bundle, progress=observer.progress)
    manifest = replace(manifest, quality=quality, gate=None, metrics={})
    manifest = replace(manifest, files={name: sha for name, sha in manifest.files.items() if name != GATE_FILE})
    if gate is not None:
        manifest = add_gate(manifest, bundle.path, gate, observations, where)
    refitted = write_manifest(bundle.path, write_attribution(bundle.path, manifest))
    return measure_calibration_fold(refitted, dataset, chosen, observations, calibration_fold)


def fit_decisions(
    manifest: Manifest, records: Sequence[Record], observations: Sequence[Observation], where: str
) -> Manifest:
    """The manifest with calibration, outcome rule, operating points and prediction sets fitted on these images."""
    labels = np.array([record.label for record in records])
    groups = [record.lesion_id or record.image_id for record in records]
    log_mean = average_views(np.stack([each.logits for each in observations]))
    priors = Priors(manifest.training_prior.frequencies, manifest.target_prior.frequencies)
    calibration, ridge, methods = choose_calibration(log_mean, labels, groups, priors)
    scored = Scored(labels, *apply_calibration(log_mean, calibration, priors))

    def rescore(fitting: np.ndarray[Any, Any]) -> Scored:
        fitted = fit_calibration(log_mean[fitting], labels[fitting], priors, ridge)
        return Scored(labels, *apply_calibration(log_mean, fitted, priors))

    thresholds, points = fit_outcome_rule(scored, where)
    sets, compared = choose_sets(scored, rescore, groups, where)
    return replace(
        manifest,
        calibration=replace(calibration, how=f"{_name(ridge)}, of least cross-validated loss on {where}"),
        thresholds=thresholds,
        operating_points=points,
        prediction_sets=sets,
        not_assessable_where=NOT_ASSESSABLE_WHERE,
        limits={"fitting": {"images": len(records), "calibration": methods, "prediction_sets": compared}},
    )


def add_gate(
    manifest: Manifest,
    directory: Path,
    gate: tuple[GateArrays, dict[str, Any]],
    observations: Sequence[Observation],
    where: str,
) -> Manifest:
    """The manifest with the gate, its file written, and the flags of what its heads measure."""
    arrays, held_out = gate
    save_gate(directory, arrays)
    statistics = average_statistics(observations)
    told = [
        estimate_measures(each, arrays) | observation.measures
        for each, observation in zip(statistics, observations, strict=True)
    ]
    heads = fit_flags(HEAD_FLAGS, told)  # a lesion mask tells more than the gate's estimates, and goes before them
    quality = manifest.quality
    return replace(
        manifest,
        gate=fit_limits(arrays, statistics, where),
        quality=replace(
            quality,
            flags=(*quality.flags, *heads),
            how=f"{quality.how}; framing, hair, ruler and ink are the network's estimates, with limits set on {where}",
        ),
        files=manifest.files | {GATE_FILE: hash_file(directory / GATE_FILE)},
        limits=manifest.limits | {"held_out_class": held_out},
    )


def fit_picture_quality(records: Sequence[Record], bundle: Bundle, *, progress: bool) -> QualityRules:
    """Flags that each mark one in two hundred of these photographs; blank is a tenth of the least spread."""

    def measure_one(record: Record) -> dict[str, float]:
        stored = read_upload(record.path)
        return measure(decode_stored(stored, at_least=DECODED_SIDE_PER_INPUT * bundle.manifest.input.size))

    records = [records[place] for place in np.linspace(0, len(records) - 1, QUALITY_SAMPLE).astype(int)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        bar = tqdm(pool.map(measure_one, records), "quality", total=len(records), unit="image", disable=not progress)
        found = list(bar)
    return QualityRules(
        flags=fit_flags(PICTURE_FLAGS, found),
        blank_below=round(min(each["spread"] for each in found) / 10, 1),
        how=f"limits of the picture's own measures set on {len(found)} photographs of folds 0 to 3; a blank frame "
        "has less than a tenth of the least spread of luminance among them",
    )


def fit_flags(wanted: Sequence[tuple[str, str, str, float]], found: Measures) -> tuple[QualityRule, ...]:
    """Rules whose limits are the percentiles of what was found, with the share that each then flags."""
    rules = []
    for name, measured, side, percent in wanted:
        values = np.array([each[measured] for each in found])
        limit = round(float(np.percentile(values, percent if side == "below" else 100 - percent)), ROUNDED)
        flagged = values < limit if side == "below" else values > limit
        rules.append(
            QualityRule(
                name=name,
                measure=measured,
                below=limit if side == "below" else None,
                above=limit if side == "above" else None,
                share=round(float(flagged.mean()), ROUNDED),
            )
        )
    return tuple(rules)


def _name(ridge: float | None) -> str:
    return "temperature alone" if ridge is None else f"temperature and an offset for each class (ridge {ridge:g})"
