"""Measure a bundle again and update its manifest: ``python -m ml remeasure --help``."""

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml.build.fit_limits import add_pooling, refit_bundle
from ml.build.measure import measure_calibration_fold, measure_limits, report_test_fold
from ml.bundle.attribution import write_attribution
from ml.bundle.draft import build_beside
from ml.bundle.folder import DEFAULT_BUNDLE, Bundle, check_takes_new_figures, load_bundle, write_manifest
from ml.data.isic import read_isic
from ml.data.split import select_folds
from ml.errors import UserError
from ml.evaluation.fit.out_of_distribution import OtherPhotographs, read_other_photographs
from ml.evaluation.observe import Observer, from_file
from ml.serve.detector import DetectorArrays, load_detector
from ml.serve.predictor import Predictor


def read_others(options: argparse.Namespace) -> OtherPhotographs | None:
    """The named photographs of other domains, or None."""
    if (options.clinical is None) != (options.everyday is None):
        raise UserError("--clinical and --everyday go together; give both or neither")
    return None if options.clinical is None else read_other_photographs(options.clinical, options.everyday)


def credit_and_measure(
    bundle: Bundle, observer: Observer, options: argparse.Namespace, others: OtherPhotographs | None
) -> Bundle:
    """Renew the attribution, measure the limits, and the test fold if a reason for it is given."""
    bundle = write_manifest(bundle.path, write_attribution(bundle.path, bundle.manifest))
    bundle = measure_limits(bundle, observer, options.data, options.fold, others)
    if options.report_test:
        bundle = report_test_fold(bundle, options.data, why=options.report_test)
    return bundle


def tell(bundle: Bundle, data_dir: Path) -> None:
    """Print which bundle has been written, and how the model card of the shipped one is renewed."""
    sys.stdout.write(f"{bundle.path}: {bundle.manifest.name} {bundle.manifest.version}, {bundle.sha256}\n")
    if bundle.path == DEFAULT_BUNDLE:
        sys.stdout.write(f"Its model card: python -m ml card --data {data_dir}\n")


def _measure_anew(bundle: Bundle, options: argparse.Namespace, others: OtherPhotographs | None) -> Bundle:
    observer = Observer(Predictor(bundle, "onnx"), kept=options.keep)
    if options.refit:
        bundle = refit_bundle(
            bundle,
            observer,
            options.data,
            calibration_fold=options.fold,
            others=others,
            fitted_detector=_take_detector(bundle) if options.keep_detector else None,
        )
    else:
        dataset = read_isic(options.data)
        records = select_folds(dataset.records, (options.fold,))
        observations = observer.observe([from_file(record.path) for record in records], f"fold {options.fold}")
        bundle = measure_calibration_fold(bundle, dataset, records, observations, options.fold)
    return credit_and_measure(bundle, observer, options, others)


def _fit_pooling(bundle: Bundle, options: argparse.Namespace) -> Bundle:
    """The bundle with the rule of pooling fitted anew, and nothing else."""
    observer = Observer(Predictor(bundle, "onnx"), kept=options.keep)
    records = select_folds(read_isic(options.data).records, (options.fold,))
    where = f"fold {options.fold}"
    observations = observer.observe([from_file(record.path) for record in records], where)
    return write_manifest(
        bundle.path, add_pooling(bundle.manifest, load_detector(bundle), records, observations, where)
    )


def _take_detector(bundle: Bundle) -> tuple[DetectorArrays, dict[str, Any]]:
    """The detector of a bundle, in the form that a refit takes."""
    detector = load_detector(bundle)
    if detector is None or "held_out_class" not in bundle.manifest.limits:
        raise UserError(f"{bundle.path}: has no detector to keep; leave out --keep-detector")
    return detector.arrays, bundle.manifest.limits["held_out_class"]


def main(options: argparse.Namespace) -> int:
    """Measure, and replace the bundle; raises ``UserError`` for one of an earlier schema."""
    others, bundle = read_others(options), load_bundle(options.bundle)
    check_takes_new_figures(bundle)
    if options.name_version:
        named = {"version": options.name_version, "created": datetime.now(UTC).date().isoformat()}
        bundle = replace(bundle, manifest=replace(bundle.manifest, **named))
    with build_beside(options.bundle, start=bundle) as draft:
        drafted = replace(bundle, path=draft)
        bundle = _fit_pooling(drafted, options) if options.pooling else _measure_anew(drafted, options, others)
    tell(replace(bundle, path=options.bundle), options.data)
    return 0
