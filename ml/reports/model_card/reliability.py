"""Reliability diagrams of a bundle, from its manifest."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml.data.split import TEST
from ml.evaluation.fit.conformal import clopper_pearson
from ml.reports.study.figures import COLOURS

PANELS = {
    "reliability": ("malignant sum", "share that is malignant"),
    "confidence": ("probability of the most probable class", "share that is of that class"),
}


def draw_reliability(limits: Mapping[str, Any]) -> Figure | None:
    """Predicted against observed frequency in tenths of the images, a panel for each kind that any fold has.

    ``limits`` are the manifest's; None if they have no fold. Bars are Clopper-Pearson intervals of 95 %.
    """
    folds = {name: limits[name] for name in sorted(limits) if name == TEST or name.startswith("fold_")}
    kinds = [kind for kind in PANELS if any(kind in fold for fold in folds.values())]
    if not kinds:
        return None
    figure = Figure(figsize=(4.6 * len(kinds), 4.3), layout="constrained")
    for axes, kind in zip(figure.subplots(1, len(kinds), squeeze=False)[0], kinds, strict=True):
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
        for name, fold in folds.items():
            if kind in fold:
                _draw_bins(axes, fold[kind], name)
        said, found = PANELS[kind]
        axes.set(xlabel=said, ylabel=found, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize=8, loc="upper left")
    return figure


def _draw_bins(axes: Axes, bins: Sequence[Mapping[str, Any]], name: str) -> None:
    said, found = [each["said"] for each in bins], [each["found"]["value"] for each in bins]
    counts = [each["images"] for each in bins]
    bands = [clopper_pearson(round(share * count), count) for share, count in zip(found, counts, strict=True)]
    lengths = [
        [max(0.0, share - low) for share, (low, _) in zip(found, bands, strict=True)],
        [max(0.0, high - share) for share, (_, high) in zip(found, bands, strict=True)],
    ]
    axes.errorbar(
        said,
        found,
        yerr=lengths,
        fmt="o-",
        markersize=4,
        linewidth=1,
        capsize=2,
        color=COLOURS[TEST if name == TEST else "choosing"],
        label="test fold" if name == TEST else name.replace("_", " "),
    )
