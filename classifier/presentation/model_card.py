"""The evaluations in a model's manifest, as the tables of its card."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from classifier.presentation.wording import class_name

METRICS = {
    "balanced_accuracy": _("Balanced accuracy"),
    "accuracy": _("Accuracy"),
    "macro_f1": _("Macro-averaged F1"),
    "malignancy_auc": _("Area under the ROC curve, malignant against the rest"),
    "sensitivity_not_low_risk": _("Malignant lesions not called low risk (sensitivity)"),
    "specificity_low_risk": _("Other lesions called low risk (specificity)"),
    "sensitivity_suspicious": _("Malignant lesions called suspicious (sensitivity)"),
    "specificity_not_suspicious": _("Other lesions not called suspicious (specificity)"),
    "expected_calibration_error": _("Expected calibration error"),
}
PER_CLASS = ("recall", "precision", "auc")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation of the manifest, as tables."""

    fold: str
    images: int
    lesions: int | None
    metrics: list[tuple[Any, dict[str, float | None]]]
    classes: list[tuple[str, int, list[dict[str, float | None]]]]


def evaluations_of(manifest: dict[str, Any]) -> list[Evaluation]:
    """Read the evaluations that a manifest holds; metrics that it does not name are left out."""
    return [
        Evaluation(
            fold=report["fold"] or "",
            images=report["images"],
            lesions=report["lesions"],
            metrics=[
                (label, report["metrics"][name]) for name, label in METRICS.items() if name in report.get("metrics", {})
            ],
            classes=[
                (class_name(code), entry["images"], [entry[name] for name in PER_CLASS])
                for code, entry in report.get("per_class", {}).items()
            ],
        )
        for report in manifest.get("metrics", {}).values()
    ]
