"""Paired comparison of two bundles on one fold.

Prints a Markdown table: metrics of both with 95 % intervals by bootstrap over lesions, and the new minus the old on
the same resamples. Each bundle reads as it is served, with its own views, calibration and thresholds. Only a fold that
neither has seen is a fair comparison; the test fold needs ``--why``, which is logged once for each bundle.
"""

import argparse
from pathlib import Path
from typing import Any

from ml.bundle.folder import Bundle, load_bundle
from ml.data.isic import read_isic
from ml.evaluation.evaluate import evaluate_bundle
from ml.evaluation.fold_log import TEST_FOLD_LOG
from ml.evaluation.paired import compare_evaluations
from ml.evaluation.report import LABELS
from ml.metrics.estimate import Table, table
from ml.reports.model_card.limits import SHARES

NAMES = LABELS | {name: words for name, (words, _) in SHARES.items()}


def compare_bundles(
    old: Bundle,
    new: Bundle,
    data_dir: Path,
    *,
    fold: str,
    why: str | None = None,
    kept: Path | None = None,
    progress: bool = True,
    log: Path = TEST_FOLD_LOG,
) -> dict[str, Any]:
    """Compare the new bundle (one) with the old (other) on a fold, as ``compare_evaluations`` does.

    ``kept``, ``why``, ``log`` and the errors are those of ``evaluate_bundle``.
    """
    dataset = read_isic(data_dir)
    earlier, later = (
        evaluate_bundle(
            bundle,
            dataset.records[0].path.parent,
            dataset.ground_truth,
            fold=fold,
            why=why,
            kept=kept,
            progress=progress,
            log=log,
        )
        for bundle in (old, new)
    )
    return compare_evaluations(later, earlier)


def tabulate(compared: dict[str, Any], old: Bundle, new: Bundle) -> Table:
    """A row for each metric."""
    rows = (
        (NAMES[name], each["other"], each["one"], each["difference"].text(signed=True))
        for name, each in compared["figures"].items()
    )
    return table(("figure", _name("old", old), _name("new", new), "new less old"), rows)


def describe_images(compared: dict[str, Any]) -> str:
    """Number of images compared, and of their lesions if those are known."""
    lesions = compared["lesions"]
    return f"{compared['images']} images" + (", lesions unknown" if lesions is None else f" of {lesions} lesions")


def _name(age: str, bundle: Bundle) -> str:
    return f"{age}: {bundle.manifest.name} {bundle.manifest.version} (`{bundle.sha256[:8]}`)"


def main(options: argparse.Namespace) -> int:
    """Compare, and print the table."""
    old, new = load_bundle(options.old), load_bundle(options.new)
    compared = compare_bundles(old, new, options.data, fold=options.fold, why=options.why, kept=options.keep)
    print(f"Fold {options.fold}: {describe_images(compared)}.\n")
    print(tabulate(compared, old, new).to_markdown())
    return 0
