"""Training curves."""

import argparse
import csv
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from ml.errors import UserError

PANELS = (
    (("train_loss", "nll"), ("training loss (mixed labels)", "negative log-likelihood"), "loss"),
    (("balanced_accuracy", "malignancy_auc"), ("balanced accuracy", "malignancy AUC"), "figure of the choosing fold"),
)


def draw_curves(metrics: Path, out: Path) -> None:
    """Draw loss and metrics by epoch from a run's ``metrics.csv``; a line marks each change of the input size.

    Equal rows give identical bytes. Raises ``UserError`` if there are no rows.
    """
    try:
        with metrics.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise UserError(f"{metrics}: cannot be read ({error.strerror}); give a run folder") from error
    if not rows:
        raise UserError(f"{metrics}: has no epoch yet; wait for the first one")
    epochs = [int(row["epoch"]) for row in rows]
    changes = [
        (epoch, row["size"])
        for epoch, row, before in zip(epochs, rows, [None, *rows], strict=False)
        if before is None or row["size"] != before["size"]
    ]
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for axes, (names, labels, title) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for name, label in zip(names, labels, strict=True):
            axes.plot(epochs, [float(row[name]) for row in rows], marker="o", markersize=3, label=label)
        for epoch, size in changes:
            axes.axvline(epoch - 0.5, color="0.7", linewidth=0.8)
            axes.annotate(
                f"{size} px", (epoch - 0.4, 0.02), xycoords=("data", "axes fraction"), color="0.4", fontsize=8
            )
        axes.set(xlabel="epoch", ylabel=title)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize=8)
    out.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "training-curves", "svg.fonttype": "none"}):
        figure.savefig(out, metadata={"Date": None} if out.suffix == ".svg" else None)


def main(options: argparse.Namespace) -> int:
    """Draw the curves of the run that is named."""
    draw_curves(options.run / "metrics.csv" if options.run.is_dir() else options.run, options.out)
    return 0
