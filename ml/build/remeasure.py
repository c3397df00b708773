"""Measure a bundle anew, into its manifest and the model card: ``python -m ml.build.remeasure --data DIR``.

Reads the calibration fold, then what shows the limits (other photographs, faults, small changes). ``--refit`` first
fits the limits anew. ``--report-test`` at last reads the test fold, once, and logs why. Needs no torch.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml.build.fit_limits import refit_bundle
from ml.build.measure import measure_calibration_fold, measure_limits, report_test_fold
from ml.bundle.attribution import write_attribution
from ml.bundle.draft import build_beside
from ml.bundle.folder import DEFAULT_BUNDLE, Bundle, load_bundle, write_manifest
from ml.data.isic import read_isic
from ml.data.split import CALIBRATION_FOLD, select_folds
from ml.errors import UserError
from ml.evaluation.observe import Observer, from_file
from ml.evaluation.out_of_distribution import OtherPhotographs, read_other_photographs
from ml.serve.gate import GateArrays, load_gate
from ml.serve.predictor import Predictor
from ml.support.command_line import command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What building and rebuilding take alike."""
    parser.add_argument("--data", type=Path, required=True, help="directory in the official ISIC 2018 Task 3 layout")
    parser.add_argument("--clinical", type=Path, help="directory in PAD-UFES-20's layout: images/ and metadata.csv")
    parser.add_argument("--everyday", type=Path, help="directory of photographs of everything but skin")
    parser.add_argument("--fold", default=CALIBRATION_FOLD, help="calibration fold (4)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep here what was read, and go on from it")
    parser.add_argument("--report-test", metavar="WHY", help="also measure the test fold, and log why")


def read_others(options: argparse.Namespace) -> OtherPhotographs | None:
    """The photographs of other kinds that were named, or None."""
    if (options.clinical is None) != (options.everyday is None):
        raise UserError("--clinical and --everyday go together; give both or neither")
    return None if options.clinical is None else read_other_photographs(options.clinical, options.everyday)


def credit_and_measure(
    bundle: Bundle, observer: Observer, options: argparse.Namespace, others: OtherPhotographs | None
) -> Bundle:
    """Renew the attribution, measure the limits, and the test fold where its reading has a reason."""
    bundle = write_manifest(bundle.path, write_attribution(bundle.path, bundle.manifest))
    bundle = measure_limits(bundle, observer, options.data, options.fold, others)
    if options.report_test:
        bundle = report_test_fold(bundle, options.data, why=options.report_test)
    return bundle


def tell(bundle: Bundle, data_dir: Path) -> None:
    """Say which bundle is in its place now, and how the card of the one that ships is renewed."""
    sys.stdout.write(f"{bundle.path}: {bundle.manifest.name} {bundle.manifest.version}, {bundle.sha256}\n")
    if bundle.path == DEFAULT_BUNDLE:
        sys.stdout.write(f"Its model card: python -m ml.reports.model_card --data {data_dir}\n")


def _measure_anew(bundle: Bundle, options: argparse.Namespace, others: OtherPhotographs | None) -> Bundle:
    observer = Observer(Predictor(bundle, "onnx"), kept=options.keep)
    if options.refit:
        bundle = refit_bundle(
            bundle,
            observer,
            options.data,
            calibration_fold=options.fold,
            others=others,
            fitted_gate=_take_gate(bundle) if options.keep_gate else None,
        )
    else:
        dataset = read_isic(options.data)
        records = select_folds(dataset.records, (options.fold,))
        observations = observer.observe([from_file(record.path) for record in records], f"fold {options.fold}")
        bundle = measure_calibration_fold(bundle, dataset, records, observations, options.fold)
    return credit_and_measure(bundle, observer, options, others)


def _take_gate(bundle: Bundle) -> tuple[GateArrays, dict[str, Any]]:
    """The gate that a bundle has, as a refit takes it."""
    gate = load_gate(bundle)
    if gate is None or "held_out_class" not in bundle.manifest.limits:
        raise UserError(f"{bundle.path}: has no gate to keep; leave out --keep-gate")
    return gate.arrays, bundle.manifest.limits["held_out_class"]


@command()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 with a one-line message for what the user can mend."""
    parser = argparse.ArgumentParser(prog="python -m ml.build.remeasure", description=__doc__)
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="directory of the bundle")
    parser.add_argument("--refit", action="store_true", help="first fit calibration, rules and gate anew")
    parser.add_argument("--keep-gate", action="store_true", help="but the gate, whose limits alone are set anew")
    parser.add_argument("--name-version", metavar="VERSION", help="version that the manifest is to name")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    others, bundle = read_others(options), load_bundle(options.bundle)
    if options.name_version:
        named = {"version": options.name_version, "created": datetime.now(UTC).date().isoformat()}
        bundle = replace(bundle, manifest=replace(bundle.manifest, **named))
    with build_beside(options.bundle, start=bundle) as draft:
        bundle = _measure_anew(replace(bundle, path=draft), options, others)
    tell(replace(bundle, path=options.bundle), options.data)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
