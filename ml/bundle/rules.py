"""What the values of a manifest must be, beside their types: sensible, and measured."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from PIL import Image

from ml.bundle.manifest import PREPROCESSING_VERSION, AlteredRule, Manifest
from ml.bundle.schema_1 import NOT_USED
from ml.taxonomy import CLASSES, MALIGNANT

NOT_MEASURED = "not yet measured"
"""What ``how`` says of a limit before it is fitted, in small or capital letters."""

SET_SCORES = ("probabilities", "balanced_scores")
POINT_SCORES = ("malignant", "melanoma")
NAME = re.compile(r"[\w .()+\-]{1,120}")
VERSION = re.compile(r"[\w .+\-]{1,40}")
CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
SHA256 = re.compile(r"[0-9a-f]{64}")
SIDES = (32, 1024)
MOST_VIEWS = 16
LOOSEST_SELF_TEST = 0.01
TEMPERATURES = (0.01, 1000.0)
LARGEST_OFFSET = 20.0
"""Of a calibration: no fit goes further, and a manifest that does was not fitted."""
SUM_OF_PRIORS = 0.01
BALANCED_ACCURACY = "balanced_accuracy"
INTERPOLATIONS = tuple(filter_.name.lower() for filter_ in Image.Resampling)


def broken_rule(manifest: Manifest) -> str | None:
    """The first rule that a manifest's values break, as ``field must be …``; None for a sound one."""
    rules = (*_rules_of_names(manifest), *_rules_of_input(manifest), *_rules_of_numbers(manifest))
    return next((rule for rule, holds in rules if not holds), None)


def unmeasured_part(manifest: Manifest) -> str | None:
    """What of a manifest was never measured, by its field; None for a finished one."""
    malignant, melanoma = manifest.thresholds.malignant, manifest.thresholds.melanoma
    parts = {
        "thresholds.malignant": malignant.suspicious_from >= 1,
        "thresholds.melanoma": melanoma.low_risk_below >= 1 and melanoma.how != NOT_USED,
        "quality": not manifest.quality.flags,
        "metrics": not manifest.metrics,
    }
    told = _parts_that_say_so(asdict(manifest))
    return next(told, None) or next((part for part, is_unmeasured in parts.items() if is_unmeasured), None)


def _parts_that_say_so(value: object, part: str = "") -> Iterator[str]:
    """The parts of a manifest, as dictionaries and lists, whose ``how`` says that they were not measured."""
    named = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for name, each in named:
        if name == "how" and isinstance(each, str) and NOT_MEASURED in " ".join(each.split()).casefold():
            yield part
        yield from _parts_that_say_so(each, f"{part}.{name}".lstrip("."))


def broken_metrics(metrics: dict[str, Any]) -> str | None:
    """Where the figures of a manifest are not what an evaluation writes, by name; None where they are."""
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
    """A value with its interval, each a share but for the loss, or nothing where it cannot be told."""
    if not isinstance(figure, dict) or set(figure) != {"value", "low", "high"}:
        return False
    numbers = [figure["low"], figure["value"], figure["high"]]
    if any(number is None for number in numbers):
        return name != BALANCED_ACCURACY or numbers[1] is not None
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
        return False
    most = math.inf if name == "log_loss" else 1.0
    return bool(0 <= numbers[0] <= numbers[2] <= most and 0 <= numbers[1] <= most)


def _within(values: Iterable[float], low: float, high: float) -> bool:
    return all(low <= value <= high for value in values)


def _rules_of_names(manifest: Manifest) -> tuple[tuple[str, bool], ...]:
    return (
        (f"classes must be {', '.join(CLASSES)}", manifest.classes == CLASSES),
        (f"malignant must be {', '.join(MALIGNANT)}", manifest.malignant == MALIGNANT),
        ("name must be 1 to 120 letters, digits, blanks and . ( ) + -", bool(NAME.fullmatch(manifest.name))),
        ("version must be 1 to 40 letters, digits, blanks and . + -", bool(VERSION.fullmatch(manifest.version))),
        ("architecture must be 1 to 120 letters, digits and .", bool(NAME.fullmatch(manifest.architecture))),
        (
            "not_assessable_where must hold codes of small letters",
            all(map(CODE.fullmatch, manifest.not_assessable_where)),
        ),
        (
            "quality.flags must have names of small letters, each once",
            _are_codes([r.name for r in manifest.quality.flags]),
        ),
        (
            "files must have SHA-256 hashes of 64 hexadecimal digits",
            all(map(SHA256.fullmatch, manifest.files.values())),
        ),
    )


def _are_codes(names: list[str]) -> bool:
    return all(map(CODE.fullmatch, names)) and len(set(names)) == len(names)


def _rules_of_input(manifest: Manifest) -> tuple[tuple[str, bool], ...]:
    spec, version = manifest.input, PREPROCESSING_VERSION
    fractions = [view.fraction for view in spec.views]
    return (
        (f"preprocessing_version must be {version}", manifest.preprocessing_version == version),
        ("input.layout must be NHWC", spec.layout == "NHWC"),
        ("input.size must be from {} to {} px".format(*SIDES), _within([spec.size], *SIDES)),
        (f"input.views must be 1 to {MOST_VIEWS}", 1 <= len(spec.views) <= MOST_VIEWS),
        ("input.views must have fractions from 0.1 to 1", _within(fractions, 0.1, 1)),
        ("input.max_aspect_ratio must be from 1 to 10", _within([spec.max_aspect_ratio], 1, 10)),
        (f"input.interpolation must be one of {', '.join(INTERPOLATIONS)}", spec.interpolation in INTERPOLATIONS),
        ("input.mean must be three numbers from 0 to 1", len(spec.mean) == 3 and _within(spec.mean, 0, 1)),
        ("input.std must be three numbers from 0.01 to 1", len(spec.std) == 3 and _within(spec.std, 0.01, 1)),
    )


def _fits(rule: AlteredRule) -> bool:
    """Whether there are a deviation and a centre for each measure, and two weights."""
    count = len(rule.measures)
    sizes = (len(rule.centre), len(rule.deviation), len(rule.weights) / 2)
    return count > 0 and all(size == count for size in sizes) and min(rule.deviation) > 0


def _rules_of_numbers(manifest: Manifest) -> tuple[tuple[str, bool], ...]:
    malignant, melanoma = manifest.thresholds.malignant, manifest.thresholds.melanoma
    priors = (manifest.training_prior.frequencies, manifest.target_prior.frequencies)
    vectors = (*priors, manifest.calibration.offsets, manifest.self_test.logits)
    sets, calibration = manifest.prediction_sets, manifest.calibration
    points = manifest.operating_points
    shares = [value for point in points for value in (point.threshold, point.sensitivity, point.specificity)]
    flags, altered, refused = manifest.quality.flags, manifest.quality.altered, manifest.thresholds.refused
    wrong = broken_metrics(manifest.metrics)
    return (
        ("priors, offsets and self-test must have seven numbers", all(len(each) == len(CLASSES) for each in vectors)),
        ("priors must be positive", all(min(prior) > 0 for prior in priors)),
        ("priors must sum to 1", all(abs(sum(prior) - 1) <= SUM_OF_PRIORS for prior in priors)),
        ("temperature must be from {} to {}".format(*TEMPERATURES), _within([calibration.temperature], *TEMPERATURES)),
        (
            f"calibration.offsets must be within {LARGEST_OFFSET:g} of 0",
            _within(calibration.offsets, -LARGEST_OFFSET, LARGEST_OFFSET),
        ),
        (
            "thresholds must be ordered within 0 and 1",
            0 <= malignant.low_risk_below <= malignant.suspicious_from <= 1 and 0 <= melanoma.low_risk_below <= 1,
        ),
        (
            "thresholds.refused must have refer_from within 0 and 1",
            refused is None or _within([refused.refer_from], 0, 1),
        ),
        (
            f"prediction_sets.score must be one of {', '.join(SET_SCORES)}",
            sets is None or sets.score in SET_SCORES,
        ),
        (
            "prediction_sets must have at_least and coverage within 0 and 1",
            sets is None or _within([sets.at_least, sets.coverage], 0, 1),
        ),
        ("operating_points must be of malignant or melanoma", all(point.score in POINT_SCORES for point in points)),
        ("operating_points must be shares within 0 and 1", _within(shares, 0, 1)),
        ("quality.flags must have shares within 0 and 1", _within([rule.share for rule in flags], 0, 1)),
        (
            "quality.flags must have a limit on one side",
            all((rule.below is None) != (rule.above is None) for rule in flags),
        ),
        ("quality.blank_below must be from 0 to 255", _within([manifest.quality.blank_below], 0, 255)),
        ("quality.colour_from must be from 0 to 255", _within([manifest.quality.colour_from], 0, 255)),
        ("quality.altered must fit its measures", altered is None or _fits(altered)),
        (
            f"self_test.tolerance must be more than 0 and at most {LOOSEST_SELF_TEST}",
            0 < manifest.self_test.tolerance <= LOOSEST_SELF_TEST,
        ),
        (f"{wrong} must be figures with their intervals, as an evaluation writes them", wrong is None),
    )
