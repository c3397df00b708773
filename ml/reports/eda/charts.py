"""Charts of the page: small SVGs in the reader's text colour, light or dark."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml.taxonomy import CLASSES

INK = "#010203"
"""Placeholder of the reader's text colour until the chart is saved."""
THEME = "<style>svg{color:#1f2933}@media(prefers-color-scheme:dark){svg{color:#e4e7eb}}</style>"
COLOURS = dict(zip(CLASSES, sns.color_palette("colorblind", len(CLASSES)), strict=True))
PAIR = ("#0b7285", "#e8890c")

STYLE: dict[Any, Any] = {
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"), INK
    ),
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.alpha": 0.15,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "eda",
}


@contextmanager
def draw_chart(path: Path, *, height: float = 3.0) -> Iterator[Axes]:
    """Axes to draw on, 4.8 inches wide, saved on leaving; equal drawings give identical bytes."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.8, height), layout="constrained")
        axes = figure.subplots()
        yield axes
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    drawn = buffer.getvalue().replace(INK, "currentColor")
    start = drawn.index(">", drawn.index("<svg")) + 1
    path.write_text(f"{drawn[:start]}{THEME}{drawn[start:]}", encoding="utf-8")


def draw_boxes(path: Path, frame: pd.DataFrame, measure: str, label: str) -> None:
    """Quartiles of a measure by class; whiskers reach from the 5th to the 95th percentile."""
    with draw_chart(path) as axes:
        codes = [code for code in CLASSES if code in set(frame["class"])]
        parts: dict[str, Any] = {
            f"{part}props": {"color": INK, "linewidth": 0.9} for part in ("median", "whisker", "cap", "box")
        }
        boxes = axes.boxplot(
            [frame.loc[frame["class"] == code, measure].dropna() for code in codes],
            orientation="horizontal",
            tick_labels=codes,
            whis=(5, 95),
            widths=0.7,
            showfliers=False,
            patch_artist=True,
            **parts,
        )
        for code, box in zip(codes, boxes["boxes"], strict=True):
            box.set_facecolor(COLOURS[code])
        axes.invert_yaxis()
        axes.set(xlabel=label)
        axes.grid(axis="x")


def draw_bars(path: Path, table: pd.DataFrame, label: str, *, logarithmic: bool = False) -> None:
    """A group of bars for each row of a table, one colour for each column, with values beside them."""
    with draw_chart(path, height=0.9 + 0.36 * len(table)) as axes:
        places = range(len(table))
        thickness = 0.8 / len(table.columns)
        for index, column in enumerate(table.columns):
            offset = (index - (len(table.columns) - 1) / 2) * thickness
            bars = axes.barh([place + offset for place in places], table[column], thickness, color=PAIR[index % 2])
            bars.set_label(str(column))
            axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8)
        axes.set_yticks(list(places), [str(name) for name in table.index])
        axes.invert_yaxis()
        axes.set(xlabel=label, xscale="log" if logarithmic else "linear")
        axes.margins(x=0.15)
        axes.grid(axis="x")
        if len(table.columns) > 1:
            axes.legend(loc="lower right", fontsize=9)


def draw_shares(path: Path, shares: pd.DataFrame, label: str, bounds: Sequence[tuple[float, float]] = ()) -> None:
    """Stacked bars of a table of shares by class, or, with ``bounds``, the shares of one column with intervals."""
    with draw_chart(path) as axes:
        names = [str(name) for name in shares.index]
        if bounds:
            values = 100 * shares.iloc[:, 0]
            errors = [
                [value - 100 * low for value, (low, _) in zip(values, bounds, strict=True)],
                [100 * high - value for value, (_, high) in zip(values, bounds, strict=True)],
            ]
            style = {"ecolor": INK, "elinewidth": 0.9, "capsize": 2}
            axes.barh(names, values, xerr=errors, color=[COLOURS[name] for name in names], error_kw=style)
        else:
            left = pd.Series(0.0, index=shares.index)
            palette = sns.color_palette("Set2", len(shares.columns))
            for column, colour in zip(shares.columns, palette, strict=True):
                axes.barh(names, 100 * shares[column], left=left, color=colour, label=str(column))
                left = left + 100 * shares[column]
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=len(shares.columns), fontsize=9)
        axes.invert_yaxis()
        axes.set(xlabel=label)
        axes.grid(axis="x")


def draw_heatmap(path: Path, shares: pd.DataFrame) -> None:
    """Percentages of each row of a table of shares."""
    with draw_chart(path, height=1.1 + 0.27 * len(shares)) as axes:
        sns.heatmap(
            100 * shares, annot=True, fmt=".0f", cmap="crest", vmin=0, cbar=False, ax=axes, annot_kws={"size": 9}
        )
        axes.set(xlabel="", ylabel="")
        axes.tick_params(length=0)
        axes.tick_params(axis="y", rotation=0)
