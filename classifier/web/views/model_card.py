"""The card of a model version: what it is for, how well it does, where it ends. All from its manifest."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from classifier.models import ModelVersion
from classifier.presentation.practice import practice_sentence
from classifier.presentation.wording import SAFETY_SENTENCE, SEVEN_SENTENCE, class_name
from classifier.selectors.practice import practice_of
from skinsite.accounts.access import MemberRequest, member_required

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


@member_required
@require_safe
def model_card(request: MemberRequest, public_id: uuid.UUID) -> HttpResponse:
    """The card of a version. Models belong to the site: every member of a clinic may read it."""
    version = get_object_or_404(ModelVersion, public_id=public_id)
    context = {
        "version": version,
        "manifest": version.manifest,
        "safety_sentence": SAFETY_SENTENCE,
        "seven_sentence": SEVEN_SENTENCE,
        "practice_sentence": practice_sentence(version.manifest, practice_of(request.membership).malignant_percent),
        "evaluations": evaluations_of(version.manifest),
        "classes": [(code, class_name(code)) for code in version.manifest.get("classes", ())],
    }
    return render(request, "classifier/model.html", context)


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
