"""Reasons why a valid, measured bundle should be confirmed by a person before use."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from ml.bundle.manifest import DetectorSpec, Manifest
from ml.errors import gettext_noop

BALANCED_ACCURACY_AT_LEAST = 0.5
MISSED_AT_MOST = 0.1
IMAGES_AT_LEAST = 100
LOW_RISK_AT_MOST, SUSPICIOUS_AT_MOST = 0.5, 0.9
PRIOR_AT_MOST = 0.99
SCORE_AT_MOST = 1e6
"""A limit beyond it, in either direction, refuses nothing or everything."""
TEST = "test"

FIGURES = {
    "balanced_accuracy": "balanced accuracy",
    "malignancy_auc": "area under the ROC curve, malignant",
    "sensitivity_not_low_risk": "malignant not called low risk",
    "specificity_low_risk": "other lesions called low risk",
}
"""Metrics shown for a candidate beside the active model."""


Values = dict[str, str | float]

DOUBTS = {
    "no_detector": gettext_noop("it has no detector of photographs that it cannot read"),
    "inaccurate": gettext_noop("its balanced accuracy on %(fold)s is %(value)s (at least %(limit)s)"),
    "misses": gettext_noop("it calls %(value)s%% of the malignant images of %(fold)s low risk (at most %(limit)s%%)"),
    "few_images": gettext_noop("it was measured on %(value)s images (at least %(limit)s)"),
    "never_low_risk": gettext_noop("its limits call nothing low risk"),
    "no_blank": gettext_noop("it takes no frame for blank"),
    "no_colour": gettext_noop("it has no rule against photographs without colour"),
    "no_altered": gettext_noop("it has no rule against altered photographs"),
    "no_second_limit": gettext_noop("it refers nothing of what its detector does not read"),
    "no_exclusions": gettext_noop("it names no lesions that it has not learnt (not_assessable_where)"),
    "idle_detector": gettext_noop("its detector has a limit of %(value)s (at most %(limit)s to either side)"),
    "late_low_risk": gettext_noop("it calls lesions low risk up to a limit of %(value)s (at most %(limit)s)"),
    "late_suspicious": gettext_noop("it calls lesions suspicious only from %(value)s on (at most %(limit)s)"),
    "one_class": gettext_noop("it expects one class in %(value)s of all images (at most %(limit)s)"),
    "unknown_flags": gettext_noop("it raises flags that this software does not know, or no longer: %(value)s"),
}
"""Message by code, with placeholders; the site translates them."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reason against using a bundle: its ``code`` among ``DOUBTS``, and the values of the placeholders."""

    code: str
    values: Values = field(default_factory=dict)

    def __str__(self) -> str:
        return DOUBTS[self.code] % self.values


def list_doubts(manifest: Manifest, known_flags: Collection[str]) -> list[Doubt]:
    """Doubts about a bundle, each with its figure and limit; empty for a bundle that may be used.

    ``known_flags`` are the flags that have a text.
    """
    return _doubts_about_figures(manifest) + _doubts_about_rules(manifest, known_flags)


def _doubts_about_figures(manifest: Manifest) -> list[Doubt]:
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
    )
    return [doubt for holds, doubt in doubts if holds]


def _doubts_about_rules(manifest: Manifest, known_flags: Collection[str]) -> list[Doubt]:
    quality, thresholds = manifest.quality, manifest.thresholds
    low_risk = max(thresholds.malignant.low_risk_below, thresholds.melanoma.low_risk_below)
    suspicious = thresholds.malignant.suspicious_from
    prior = max(*manifest.training_prior.frequencies, *manifest.target_prior.frequencies)
    score = _furthest(manifest.gate)
    flags = [rule.name for rule in quality.flags if rule.name not in known_flags]
    doubts = (
        (quality.blank_below == 0, Doubt("no_blank")),
        (quality.colour_from == 0, Doubt("no_colour")),
        (quality.altered is None or quality.altered.above > SCORE_AT_MOST, Doubt("no_altered")),
        (thresholds.refused is None or thresholds.refused.refer_from >= 1, Doubt("no_second_limit")),
        (not manifest.not_assessable_where, Doubt("no_exclusions")),
        (abs(score) > SCORE_AT_MOST, Doubt("idle_detector", {"value": score, "limit": SCORE_AT_MOST})),
        (low_risk > LOW_RISK_AT_MOST, Doubt("late_low_risk", {"value": low_risk, "limit": LOW_RISK_AT_MOST})),
        (
            suspicious > SUSPICIOUS_AT_MOST,
            Doubt("late_suspicious", {"value": suspicious, "limit": SUSPICIOUS_AT_MOST}),
        ),
        (prior > PRIOR_AT_MOST, Doubt("one_class", {"value": prior, "limit": PRIOR_AT_MOST})),
        (bool(flags), Doubt("unknown_flags", {"value": ", ".join(flags)})),
    )
    return [doubt for holds, doubt in doubts if holds]


def _furthest(detector: DetectorSpec | None) -> float:
    """The detector's limit furthest from 0; 0 without a detector."""
    return 0.0 if detector is None else max(detector.dermoscopy_from, detector.distance_to, key=abs)


def choose_report(metrics: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The relevant evaluation with its name: that of the test fold, else the last one."""
    name = TEST if TEST in metrics else list(metrics)[-1]
    report: dict[str, Any] = metrics[name]
    return name.replace("_", " "), report


def _value(report: dict[str, Any], name: str) -> float:
    """Value of a metric; 0 if it is missing or undefined, which raises a doubt."""
    value = report["metrics"].get(name, {}).get("value")
    return 0.0 if value is None else float(value)
