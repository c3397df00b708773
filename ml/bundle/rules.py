"""Rules that join several values of a manifest: plausible, and measured."""

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from PIL import Image

from ml.bundle.manifest import AlteredRule, Manifest, PoolingRule
from ml.taxonomy import CLASSES, MALIGNANT

NOT_MEASURED = "not yet measured"
"""Marks, in any case, a limit whose ``how`` has not been fitted yet."""

SUM_OF_PRIORS = 0.01
BALANCED_ACCURACY = "balanced_accuracy"
FIGURE = {"value", "low", "high"}
"""Keys of a figure in schema 2; schema 3 adds the number of photographs and the method of the interval."""

INTERPOLATIONS = tuple(filter_.name.lower() for filter_ in Image.Resampling)


def broken_rule(manifest: Manifest) -> str | None:
    """The first rule that a manifest's values break together, as ``field must be …``; None for a valid one."""
    malignant, priors = manifest.thresholds.malignant, (manifest.training_prior, manifest.target_prior)
    flags, altered = manifest.quality.flags, manifest.quality.altered
    wrong = broken_metrics(manifest.metrics)
    rules = (
        (f"classes must be {', '.join(CLASSES)}", manifest.classes == CLASSES),
        (f"malignant must be {', '.join(MALIGNANT)}", manifest.malignant == MALIGNANT),
        (
            f"input.interpolation must be one of {', '.join(INTERPOLATIONS)}",
            manifest.input.interpolation in INTERPOLATIONS,
        ),
        ("priors must sum to 1", all(abs(sum(prior.frequencies) - 1) <= SUM_OF_PRIORS for prior in priors)),
        ("thresholds must be ordered", malignant.low_risk_below <= malignant.suspicious_from),
        ("quality.flags must have names, each once", len({rule.name for rule in flags}) == len(flags)),
        (
            "quality.flags must have a limit on one side",
            all((rule.below is None) != (rule.above is None) for rule in flags),
        ),
        ("quality.altered must fit its measures", altered is None or _fits(altered)),
        (
            "pooling.same_from must be below pooling.copy_from",
            manifest.pooling is None or manifest.pooling.same_from < manifest.pooling.copy_from,
        ),
        ("pooling must weigh by a quality measure exactly if it has a power of it", _weighs(manifest.pooling)),
        (f"{wrong} must be figures with their intervals, as an evaluation writes them", wrong is None),
    )
    return next((rule for rule, holds in rules if not holds), None)


def unmeasured_part(manifest: Manifest) -> str | None:
    """The first field of a manifest that was never measured; None for a finished one."""
    malignant, melanoma = manifest.thresholds.malignant, manifest.thresholds.melanoma
    parts = {
        "thresholds.malignant": malignant.suspicious_from >= 1,
        "thresholds.melanoma": melanoma.low_risk_below >= 1,
        "quality": not manifest.quality.flags,
        "metrics": not manifest.metrics,
    }
    told = _parts_that_say_so(asdict(manifest))
    return next(told, None) or next((part for part, is_unmeasured in parts.items() if is_unmeasured), None)


def _parts_that_say_so(value: object, part: str = "") -> Iterator[str]:
    """Yield the parts of a manifest, as dictionaries and lists, whose ``how`` says that they are not measured."""
    named = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for name, each in named:
        if name == "how" and isinstance(each, str) and NOT_MEASURED in " ".join(each.split()).casefold():
            yield part
        yield from _parts_that_say_so(each, f"{part}.{name}".lstrip("."))


def broken_metrics(metrics: dict[str, Any]) -> str | None:
    """The first name of a figure that is not of the form an evaluation writes; None if all are."""
    for fold, report in metrics.items():
        if not isinstance(report, dict) or not isinstance(report.get("metrics"), dict):
            return f"metrics.{fold}"
        if not {"fold", "images", "lesions"} <= set(report) or not _is_count(report["images"]):
            return f"metrics.{fold}.images"
        figures = report["metrics"]
        wrong = [name for name, figure in figures.items() if not _is_figure(name, figure)]
        if BALANCED_ACCURACY not in figures or wrong:
            return f"metrics.{fold}.metrics.{next(iter(wrong), BALANCED_ACCURACY)}"
    return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_figure(name: str, figure: object) -> bool:
    """Whether it is a value with its interval, each a share (except the loss), or undefined."""
    if not isinstance(figure, dict) or not FIGURE <= set(figure) <= FIGURE | {"n", "how"}:
        return False
    numbers = [figure["low"], figure["value"], figure["high"]]
    if any(number is None for number in numbers):
        return name != BALANCED_ACCURACY or numbers[1] is not None
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
        return False
    most = math.inf if name == "log_loss" else 1.0
    return bool(0 <= numbers[0] <= numbers[2] <= most and 0 <= numbers[1] <= most)


def _weighs(rule: PoolingRule | None) -> bool:
    """Whether a rule has both a measure and a power of it, or neither."""
    return rule is None or ((rule.quality_power > 0) == (rule.quality_measure is not None))


def _fits(rule: AlteredRule) -> bool:
    """Whether there are a deviation and a centre for each measure, and two weights."""
    return {len(rule.centre), len(rule.deviation), len(rule.weights) / 2} == {len(rule.measures)}
