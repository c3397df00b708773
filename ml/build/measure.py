"""Measurements of a bundle, written into its manifest."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml.bundle.folder import Bundle, write_manifest
from ml.data.isic import Dataset, Record, read_isic
from ml.data.split import TEST, select_folds
from ml.evaluation.evaluate import Evaluation, evaluate_bundle, evaluate_observations
from ml.evaluation.fit.out_of_distribution import OtherPhotographs
from ml.evaluation.lesions import describe_lesions
from ml.evaluation.limits import Measuring, describe_fold
from ml.evaluation.observe import Observer
from ml.metrics.estimate import DIGITS
from ml.serve.interpretation import Observation


def measure_calibration_fold(
    bundle: Bundle, dataset: Dataset, records: Sequence[Record], observations: Sequence[Observation], fold: str
) -> Bundle:
    """Write the metrics of the calibration fold into the manifest."""
    evaluation = evaluate_observations(bundle, dataset.ground_truth, fold, records, observations)
    return _write(bundle, f"fold_{fold}", evaluation, dataset)


def report_test_fold(bundle: Bundle, data_dir: Path, *, why: str, progress: bool = True) -> Bundle:
    """Evaluate on the test fold, which is logged, and write the metrics into the manifest."""
    dataset = read_isic(data_dir)
    images = dataset.records[0].path.parent
    evaluation = evaluate_bundle(bundle, images, dataset.ground_truth, fold=TEST, why=why, progress=progress)
    return _write(bundle, TEST, evaluation, dataset)


def measure_limits(
    bundle: Bundle, observer: Observer, data_dir: Path, fold: str, others: OtherPhotographs | None
) -> Bundle:
    """Write refusals and robustness into the manifest."""
    records = select_folds(read_isic(data_dir).records, (fold,))
    found = Measuring(bundle, observer, records, f"fold {fold}").measure(others)
    return write_manifest(
        bundle.path, replace(bundle.manifest, limits=round_figures({**bundle.manifest.limits, **found}))
    )


def _write(bundle: Bundle, name: str, evaluation: Evaluation, dataset: Dataset) -> Bundle:
    manifest = bundle.manifest
    records = {record.image_id: record for record in dataset.records}
    described = describe_fold(evaluation, records, manifest) | describe_lesions(bundle, evaluation, records)
    metrics = {**manifest.metrics, name: round_figures(evaluation.report.to_dict())}
    limits = {**manifest.limits, name: round_figures(described)}
    return write_manifest(bundle.path, replace(manifest, metrics=metrics, limits=limits))


def round_figures(value: Any) -> Any:
    """Round every number of plain JSON values to four digits."""
    match value:
        case dict():
            return {key: round_figures(each) for key, each in value.items()}
        case list() | tuple():
            return [round_figures(each) for each in value]
        case float():
            return round(value, DIGITS)
    return value
