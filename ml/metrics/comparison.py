"""Comparison of the study's models: tables of metrics, costs and paired differences, from the results' JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from ml.metrics.estimate import Estimate, Table, table

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
NOISE = 0.02
"""A smaller difference of balanced accuracy is within the noise of one seed (docs/experiment-plan.md)."""

Result = Mapping[str, Any]
Models = Sequence[tuple[str, Result]]
"""Label and result of each model; the result is empty if it was not run."""


def tabulate_metrics(models: Models, part: str) -> Table:
    """Every metric with its 95 % interval on the choosing or the test fold; the best on the choosing fold is bold."""
    best = choose_best(models)
    rows = []
    for label, result in models:
        cells = [read_figure(result, part, name) if result.get(part) else NOT_RUN for name in METRICS]
        rows.append((f"**{label}**" if result and result is best else label, *cells))
    return table(("model", *METRICS.values()), rows)


def tabulate_costs(models: Models) -> Table:
    """Cost of each model in training and inference."""
    rows = [(label, *(_describe_costs(result) if result else [NOT_RUN] * len(COSTS))) for label, result in models]
    return table(("model", *COSTS), rows)


def tabulate_recall(models: Models, part: str) -> Table:
    """Recall of each class."""
    codes = next((list(result[part]["per_class"]) for _, result in models if result.get(part)), [])
    rows = [
        (label, *(Estimate.from_json(result[part]["per_class"][code]["recall"]) for code in codes))
        for label, result in models
        if result.get(part)
    ]
    return table(("recall", *codes), rows)


def tabulate_differences(comparisons: Sequence[Result], labels: Mapping[str, str], part: str) -> Table:
    """Paired differences of named models with 95 % intervals, on the same resamples of lesions."""
    chosen = [each for each in comparisons if each["part"] == part]
    names = [name for name in METRICS if chosen and name in chosen[0]["differences"]]
    rows = [
        (
            f"{labels[each['one']]} less {labels[each['other']]}",
            *(read_difference(each, name).text(signed=True) for name in names),
        )
        for each in chosen
    ]
    return table(("difference", *(METRICS[name] for name in names)), rows)


def choose_best(models: Models) -> Result:
    """The model with the highest balanced accuracy on the choosing fold; empty if none ran."""
    run = [result for _, result in models if result]
    return max(run, key=lambda result: read_figure(result, "choosing").value or 0.0, default={})


def read_figure(result: Result, part: str, metric: str = "balanced_accuracy") -> Estimate:
    """A metric of a model on the choosing or the test fold."""
    return Estimate.from_json(result[part]["metrics"][metric])


def read_difference(comparison: Result, metric: str = "balanced_accuracy") -> Estimate:
    """Difference of a metric between the models of a pair, ``one`` minus ``other``."""
    return Estimate.from_json(comparison["differences"][metric])


def differs_significantly(difference: Estimate) -> bool:
    """Whether a difference is significant: its interval excludes 0 and it exceeds the noise of one seed."""
    return difference.value is not None and difference.excludes_zero and abs(difference.value) >= NOISE


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
