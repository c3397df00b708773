"""Figures of the study as SVG; equal results give identical bytes."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from ml.metrics.comparison import Models, read_figure
from ml.metrics.estimate import Estimate

COLOURS = {"choosing": "#1b6ca8", "test": "#c8553d"}
NAMES = {"choosing": "choosing fold", "test": "test fold"}


def draw_models(models: Models) -> Figure:
    """Balanced accuracy and malignancy AUC of each model with intervals, a row each."""
    run = [(label, result) for label, result in models if result]
    figure = Figure(figsize=(9, 1.1 + 0.42 * len(run)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (metric, name) in zip(
        panels, (("balanced_accuracy", "balanced accuracy"), ("malignancy_auc", "malignancy AUC")), strict=True
    ):
        for shift, part in ((-0.13, "choosing"), (0.13, "test")):
            found = [
                (place, read_figure(result, part, metric)) for place, (_, result) in enumerate(run) if result.get(part)
            ]
            rows = [(place, each) for place, each in found if None not in (each.value, each.low, each.high)]
            for place, each in rows:
                label = NAMES[part] if place == rows[0][0] else None
                axes.plot([each.low, each.high], [place + shift] * 2, color=COLOURS[part], linewidth=1.6)
                axes.plot(each.value, place + shift, "o", color=COLOURS[part], markersize=5, label=label)
        axes.set(xlabel=f"{name}, 95 % interval")
        axes.grid(visible=True, axis="x", alpha=0.3)
    panels[0].set_yticks(range(len(run)), [label for label, _ in run])
    panels[0].invert_yaxis()
    panels[1].legend(fontsize=8)
    return figure


def draw_curve(points: Sequence[tuple[float, Estimate]], along: str) -> Figure:
    """Balanced accuracy on the choosing fold against the varied number."""
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    places = [place for place, _ in points]
    values, lows, highs = np.array([(each.value, each.low, each.high) for _, each in points], np.float64).T
    axes.plot(places, values, "o-", color=COLOURS["choosing"])
    axes.fill_between(places, lows, highs, color=COLOURS["choosing"], alpha=0.15, linewidth=0)
    axes.set_xscale("log", base=2)
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.minorticks_off()
    axes.set(xlabel=along, ylabel="balanced accuracy, choosing fold")
    axes.grid(visible=True, alpha=0.3)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write an SVG without date."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "study", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
