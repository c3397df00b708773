"""Averages of a run's network with the one that it started from, judged by the panel: ``python -m ml soup --help``."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml.build.checkpoint import Start, export_checkpoint
from ml.bundle.folder import Bundle
from ml.data.isic import Record, hash_records, read_isic
from ml.data.split import select_folds
from ml.errors import UserError
from ml.evaluation.panel import compare_panels, describe_sample, draw_sample, measure_panel, passes_rule, read_panel
from ml.metrics.estimate import Estimate, Table, table
from ml.pipelines.study.results import write_json
from ml.reports.panel import describe_bundle, to_json
from ml.support.disk import check_can_be_written
from ml.support.environment import find_git_revision
from ml.training.config import read_config
from ml.training.folder import RunFolder

SHOWN = (
    ("clean", "log_loss"),
    ("panel", "log_loss"),
    ("clean", "balanced_accuracy"),
    ("panel", "balanced_accuracy"),
    ("panel", "melanoma_recall"),
    ("panel", "changed"),
)


def measure_soup(
    bundles: Mapping[float, Bundle],
    records: Sequence[Record],
    *,
    naevi: int | None = None,
    kept: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """The panel of each bundle, and the differences from that of share 0, as JSON by share."""
    sample = draw_sample(records, naevi)
    name = f"panel {hash_records(sample.records)[:8]}"
    readings = {
        share: read_panel(bundle, sample, name, kept=kept, progress=progress) for share, bundle in bundles.items()
    }
    found: dict[str, Any] = {"sample": describe_sample(sample), "shares": {}}
    for share, bundle in bundles.items():
        entry = describe_bundle(bundle, measure_panel(sample, readings[share]))
        if share:
            differences = compare_panels(sample, readings[share], readings[0.0])
            entry |= {"differences": to_json(differences), "passes_the_rule": passes_rule(differences)}
        found["shares"][f"{share:g}"] = entry
    return found


def tabulate_soup(shares: Mapping[str, Any]) -> Table:
    """A row for each share: figures, and below them their differences from share 0."""
    rows = []
    for share, entry in shares.items():
        rows.append((share, *(Estimate.from_json(entry["figures"][part][name]) for part, name in SHOWN), ""))
        if "differences" in entry:
            differences = [Estimate.from_json(entry["differences"][part][name]) for part, name in SHOWN]
            verdict = "passes" if entry["passes_the_rule"] else "does not pass"
            rows.append((f"{share} less 0", *(each.text(signed=True) for each in differences), verdict))
    titles = (f"{part}: {name.replace('_', ' ')}" for part, name in SHOWN)
    return table(("share of the run", *titles, "rule"), rows)


def _check_shares(shares: Sequence[float]) -> tuple[float, ...]:
    if not all(0 <= share <= 1 for share in shares):
        raise UserError(f"--shares are {', '.join(f'{share:g}' for share in shares)}; each must be from 0 to 1")
    return (0.0, *sorted(set(shares) - {0.0}))


def main(options: argparse.Namespace) -> int:
    """Average, export, read the panel, and print the table."""
    shares = _check_shares(options.shares)
    out, results = options.out, options.out / "soup.json"
    config = read_config(RunFolder(options.checkpoint.parent.parent).config)
    fold = config.choose_fold
    if fold in config.train_folds:
        raise UserError(f"{options.checkpoint}: was trained on fold {fold}, which would judge it")
    out.mkdir(parents=True, exist_ok=True)
    check_can_be_written(results)
    bundles = {
        share: export_checkpoint(
            options.checkpoint,
            out / f"share-{share:g}",
            data=options.data,
            start=Start(options.weights, share),
            kept=options.keep,
        )
        for share in shares
    }
    records = select_folds(read_isic(options.data).records, (fold,))
    found = measure_soup(bundles, records, naevi=options.naevi, kept=options.keep)
    known = {"revision": find_git_revision(), "fold": fold, "data_sha256": hash_records(records)}
    write_json(results, known | found)
    print(tabulate_soup(found["shares"]).to_markdown())
    return 0
