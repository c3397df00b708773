"""Models of the study side by side: tables of figures, of costs and of paired differences, from the results' JSON."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

METRICS = {
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "macro_auc": "macro ROC-AUC",
    "melanoma_auc": "melanoma AUC",
    "malignancy_auc": "malignancy AUC",
    "expected_calibration_error": "ECE",
}
COSTS = ("parameters, million", "GFLOPs an image", "ms an image", "training, min", "images seen", "px", "starts from")
PARTS = {"choosing": "the choosing fold", "test": "the test fold"}
NOT_RUN = "not run"
BOLD = r"^\*\*(.*)\*\*$"
NOISE = 0.02
"""A difference of balanced accuracy under this is within the noise of one seed (docs/experiment-plan.md)."""

Result = Mapping[str, Any]
Models = Sequence[tuple[str, Result]]
"""Label and result of each model, the result empty where it did not run."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_markdown(self) -> str:
        """As GitHub renders it."""
        lines = (self.header, ("---",) * len(self.header), *self.rows)
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def to_text(self) -> str:
        """Aligned columns; what Markdown makes bold has a star behind it."""
        rows = [[re.sub(BOLD, r"\1 *", cell) for cell in row] for row in (self.header, *self.rows)]
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(lines)


def tabulate_metrics(models: Models, part: str) -> Table:
    """Every metric with its 95 % interval on the choosing or the test fold; the best by the choosing fold is bold."""
    best = choose_best(models)
    rows = []
    for label, result in models:
        figures = result.get(part)
        cells = [format_figure(figures["metrics"][name]) if figures else NOT_RUN for name in METRICS]
        rows.append((f"**{label}**" if result and result is best else label, *cells))
    return Table(("model", *METRICS.values()), tuple(rows))


def tabulate_costs(models: Models) -> Table:
    """What each model costs to train and to run."""
    rows = [(label, *(_describe_costs(result) if result else [NOT_RUN] * len(COSTS))) for label, result in models]
    return Table(("model", *COSTS), tuple(rows))


def tabulate_recall(models: Models, part: str) -> Table:
    """Recall of each class."""
    codes = next((list(result[part]["per_class"]) for _, result in models if result.get(part)), [])
    rows = [
        (label, *(format_figure(result[part]["per_class"][code]["recall"]) for code in codes))
        for label, result in models
        if result.get(part)
    ]
    return Table(("recall", *codes), tuple(rows))


def tabulate_differences(comparisons: Sequence[Result], labels: Mapping[str, str], part: str) -> Table:
    """Paired differences of named models with 95 % intervals, on the same resamples of lesions."""
    chosen = [each for each in comparisons if each["part"] == part]
    names = [name for name in METRICS if chosen and name in chosen[0]["differences"]]
    rows = [
        (
            f"{labels[each['one']]} less {labels[each['other']]}",
            *(format_difference(each["differences"][name]) for name in names),
        )
        for each in chosen
    ]
    return Table(("difference", *(METRICS[name] for name in names)), tuple(rows))


def choose_best(models: Models) -> Result:
    """The model of the highest balanced accuracy on the choosing fold, which alone chooses; empty where none ran."""
    run = [result for _, result in models if result]
    return max(run, key=lambda result: result["choosing"]["metrics"]["balanced_accuracy"][0], default={})


def is_told_apart(difference: Sequence[float | None]) -> bool:
    """Whether an interval lies on one side of 0 and the difference is more than one seed's noise."""
    value, low, high = difference
    return value is not None and low is not None and high is not None and low * high > 0 and abs(value) >= NOISE


def format_figure(figure: Sequence[float | None]) -> str:
    """``0.612 [0.580, 0.644]``."""
    value, low, high = figure
    if value is None:
        return "not defined"
    return f"{value:.3f}" + ("" if low is None or high is None else f" [{low:.3f}, {high:.3f}]")


def format_difference(figure: Sequence[float | None]) -> str:
    """``+0.031 [+0.004, +0.058]``."""
    value, low, high = figure
    if value is None or low is None or high is None:
        return "not defined"
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def _describe_costs(result: Result) -> list[str]:
    summary = result["summary"]
    return [
        _scale(summary.get("parameters"), 1e6, 1),
        _scale(summary.get("flops"), 1e9, 2),
        _scale(summary.get("milliseconds_per_image"), 1, 1),
        _scale(summary.get("training_minutes"), 1, 1),
        _scale(summary.get("images_seen"), 1, 0),
        _scale(summary.get("resolution"), 1, 0),
        str(summary["initialisation"]),
    ]


def _scale(value: float | None, unit: float, digits: int) -> str:
    return "-" if value is None else f"{value / unit:,.{digits}f}"
