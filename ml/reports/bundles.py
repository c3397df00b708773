"""Two bundles on one fold, paired: ``python -m ml.reports.bundles OLD NEW --data DIR``.

Prints a Markdown table: figures of both with 95 % intervals by bootstrap over lesions, and what the new has less the
old on the same resamples. Each bundle reads as it is served, with its own views, calibration and thresholds. Only a
fold that neither has seen compares them; the test fold needs ``--why``, which goes to its log, once for each bundle.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.bundle.folder import Bundle, load_bundle
from ml.data.isic import read_isic
from ml.data.split import FOLDS
from ml.evaluation.evaluate import evaluate_bundle
from ml.evaluation.fold_log import TEST_FOLD_LOG
from ml.evaluation.paired import compare
from ml.evaluation.report import LABELS
from ml.metrics.estimate import Table, table
from ml.reports.model_card.limits import SHARES
from ml.support.command_line import command

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
    """What ``ml.evaluation.paired.compare`` says of the new bundle (one) and the old (other) on a fold.

    ``kept``, ``why`` and ``log`` are those of ``evaluate_bundle``, and so are the errors.
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
    return compare(later, earlier)


def tabulate(compared: dict[str, Any], old: Bundle, new: Bundle) -> Table:
    """A row for each figure."""
    rows = (
        (NAMES[name], each["other"], each["one"], each["difference"].text(signed=True))
        for name, each in compared["figures"].items()
    )
    return table(("figure", _name("old", old), _name("new", new), "new less old"), rows)


def _name(age: str, bundle: Bundle) -> str:
    return f"{age}: {bundle.manifest.name} {bundle.manifest.version} (`{bundle.sha256[:8]}`)"


@command()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 with a one-line message for what the user can mend."""
    parser = argparse.ArgumentParser(prog="python -m ml.reports.bundles", description=__doc__)
    parser.add_argument("old", type=Path, help="directory of a bundle")
    parser.add_argument("new", type=Path, help="directory of the bundle that may take its place")
    parser.add_argument("--data", type=Path, required=True, help="directory in the official ISIC 2018 Task 3 layout")
    parser.add_argument("--fold", choices=FOLDS, default="4", help="fold of the frozen split (4)")
    parser.add_argument("--why", metavar="TEXT", help="noted in the log of the test fold, where that is read")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep here what was read of other folds")
    options = parser.parse_args(arguments)
    old, new = load_bundle(options.old), load_bundle(options.new)
    compared = compare_bundles(old, new, options.data, fold=options.fold, why=options.why, kept=options.keep)
    print(f"Fold {options.fold}: {compared['images']} images of {compared['lesions']} lesions.\n")
    print(tabulate(compared, old, new).to_markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
