"""Why a sound, measured bundle should still not read photographs without somebody saying so."""

from dataclasses import dataclass, field
from typing import Any

from ml.bundle import Manifest

BALANCED_ACCURACY_AT_LEAST = 0.5
MISSED_AT_MOST = 0.1
IMAGES_AT_LEAST = 100
TEST = "test"

FIGURES = {
    "balanced_accuracy": "balanced accuracy",
    "malignancy_auc": "area under the ROC curve, malignant",
    "sensitivity_not_low_risk": "malignant not called low risk",
    "specificity_low_risk": "other lesions called low risk",
}
"""What is told of a candidate beside the active one."""


Values = dict[str, str | float]

DOUBTS = {
    "no_detector": "it has no detector of photographs that it cannot read",
    "inaccurate": "its balanced accuracy on %(fold)s is %(value)s (at least %(limit)s)",
    "misses": "it calls %(value)s%% of the malignant images of %(fold)s low risk (at most %(limit)s%%)",
    "few_images": "it was measured on %(value)s images (at least %(limit)s)",
    "never_low_risk": "its limits call nothing low risk",
    "no_blank": "it takes no frame for blank",
}
"""By code, in words with their places."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason why a bundle should not read: its ``code`` among `DOUBTS`, and what fills the places there."""

    code: str
    values: Values = field(default_factory=dict)

    def __str__(self) -> str:
        return DOUBTS[self.code] % self.values


def list_doubts(manifest: Manifest) -> list[Doubt]:
    """Each with its figure and the limit; empty for a bundle that may read."""
    fold, report = choose_report(manifest.metrics)
    accuracy, caught = (_value(report, name) for name in ("balanced_accuracy", "sensitivity_not_low_risk"))
    limits = (manifest.thresholds.malignant.low_risk_below, manifest.thresholds.melanoma.low_risk_below)
    missed, images = 1 - caught, report["images"]
    inaccurate: Values = {"fold": fold, "value": round(accuracy, 3), "limit": BALANCED_ACCURACY_AT_LEAST}
    misses: Values = {"fold": fold, "value": round(missed * 100), "limit": round(MISSED_AT_MOST * 100)}
    doubts = (
        (manifest.gate is None, Doubt("no_detector")),
        (accuracy < BALANCED_ACCURACY_AT_LEAST, Doubt("inaccurate", inaccurate)),
        (missed > MISSED_AT_MOST, Doubt("misses", misses)),
        (images < IMAGES_AT_LEAST, Doubt("few_images", {"value": images, "limit": IMAGES_AT_LEAST})),
        (min(limits) == 0, Doubt("never_low_risk")),
        (manifest.quality.blank_below == 0, Doubt("no_blank")),
    )
    return [doubt for holds, doubt in doubts if holds]


def choose_report(metrics: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The evaluation that counts, with its name: that of the test fold, else the last one."""
    name = TEST if TEST in metrics else list(metrics)[-1]
    report: dict[str, Any] = metrics[name]
    return name.replace("_", " "), report


def _value(report: dict[str, Any], name: str) -> float:
    """A figure; 0 where it was not measured or cannot be told, which is a doubt."""
    value = report["metrics"].get(name, {}).get("value")
    return 0.0 if value is None else float(value)
