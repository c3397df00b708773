"""Why a sound, measured bundle should still not read photographs without somebody saying so."""

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


def list_doubts(manifest: Manifest) -> list[str]:
    """Each in words with its figure and the limit; empty for a bundle that may read."""
    fold, report = choose_report(manifest.metrics)
    accuracy, caught = (_value(report, name) for name in ("balanced_accuracy", "sensitivity_not_low_risk"))
    limits = (manifest.thresholds.malignant.low_risk_below, manifest.thresholds.melanoma.low_risk_below)
    missed, images = 1 - caught, report["images"]
    doubts = (
        (manifest.gate is None, "it has no detector of photographs that it cannot read"),
        (
            accuracy < BALANCED_ACCURACY_AT_LEAST,
            f"its balanced accuracy on {fold} is {accuracy:.3f} (at least {BALANCED_ACCURACY_AT_LEAST})",
        ),
        (
            missed > MISSED_AT_MOST,
            f"it calls {missed:.0%} of the malignant images of {fold} low risk (at most {MISSED_AT_MOST:.0%})",
        ),
        (images < IMAGES_AT_LEAST, f"it was measured on {images} images (at least {IMAGES_AT_LEAST})"),
        (min(limits) == 0, "its limits call nothing low risk"),
        (manifest.quality.blank_below == 0, "it takes no frame for blank"),
    )
    return [words for holds, words in doubts if holds]


def choose_report(metrics: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The evaluation that counts, with its name: that of the test fold, else the last one."""
    name = TEST if TEST in metrics else list(metrics)[-1]
    report: dict[str, Any] = metrics[name]
    return name.replace("_", " "), report


def _value(report: dict[str, Any], name: str) -> float:
    """A figure; 0 where it was not measured or cannot be told, which is a doubt."""
    value = report["metrics"].get(name, {}).get("value")
    return 0.0 if value is None else float(value)
