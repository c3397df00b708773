"""The part of the model card on cancers that may be refused: altered photographs, and refused ones."""

from collections.abc import Mapping
from typing import Any

from ml.bundle.manifest import Manifest
from ml.metrics.estimate import table
from ml.reports.model_card.limits import choose_fold, name_fold, show_share


def describe_refusals(manifest: Manifest) -> list[str]:
    """The sections for which the manifest has results."""
    sections = []
    if "manipulations" in manifest.limits:
        sections.append(_describe_manipulations(manifest))
    if manifest.thresholds.refused is not None and "gate" in manifest.limits:
        sections.append(_describe_second_limit(manifest))
    return sections


def _describe_manipulations(manifest: Manifest) -> str:
    found = manifest.limits["manipulations"]
    rows = (
        (
            cell["kind"],
            cell["strength"],
            show_share(cell["low_risk_before"]),
            show_share(cell["low_risk"]),
            show_share(cell["refused"]),
            show_share(cell["flagged"]),
        )
        for cell in found["cells"]
    )
    return f"""## Photographs as the training set holds none

One photograph of each of {found["images"]} malignant lesions of the calibration fold, altered: how many are called
*low risk* without the two rules on what a photograph looks like (*before*) and with them, how many are not read, and
how many are read with a flag. A photograph **without colour** has a spread of colour that its luminance does not
explain of less than {manifest.quality.colour_from:g}. An **altered** one is told by {_count_measures(manifest)}
numbers on colour and texture (`ml.serve.appearance`): a logistic model of photographs of folds 0 to 3 as they are, as
another dermatoscope might show them, and altered in these ways at strengths drawn anew. Its limit refuses
{_per_cent(manifest)} of photographs of these folds that it had not seen. Every interval is Wilson's (95 %).

{table(("kind", "strength", "low risk before", "low risk", "not read", "read with a flag"), rows)}

Real photographs that these two rules refuse, though nothing was altered: {_list_false_refusals(manifest)}."""


def _count_measures(manifest: Manifest) -> int:
    return 0 if manifest.quality.altered is None else len(manifest.quality.altered.measures)


def _per_cent(manifest: Manifest) -> str:
    share = 0.0 if manifest.quality.altered is None else manifest.quality.altered.share
    return f"{100 * share:.1f} %"


def _list_false_refusals(manifest: Manifest) -> str:
    """Shares on the measured folds, none of which set the rules."""
    measured = {name: each for name, each in manifest.limits.items() if "outcomes" in each}
    return "; ".join(
        f"{show_share(each['unread']['by_appearance'])} of {name_fold(name)} ({each['images']} photographs of "
        f"{each['lesions']} lesions)"
        for name, each in sorted(measured.items())
    )


def _describe_second_limit(manifest: Manifest) -> str:
    refused, limits = manifest.thresholds.refused, manifest.limits
    if refused is None:
        return ""
    fold = limits.get(choose_fold(manifest), {})
    title = name_fold(choose_fold(manifest))
    kinds: dict[str, tuple[int, Mapping[str, int]]] = {
        name: (entry["images"], entry["called"]) for name, entry in limits["gate"].items() if "called" in entry
    }
    if "manipulations" in limits:
        found = limits["manipulations"]
        altered = sum(1 for cell in found["cells"] if cell["strength"]) * found["images"]
        kinds["malignant lesions, altered"] = altered, found["called"]
    unread: dict[str, tuple[int, Mapping[str, Any]]] = {
        f"malignant, {title}": (fold["unread"]["malignant"]["unread"], fold["unread"]["malignant"]["called"]),
        f"not malignant, {title}": (fold["unread"]["others"]["unread"], fold["unread"]["others"]["called"]),
    }
    tried = list(next(iter(kinds.values()))[1])
    rows = [
        *((name, count, *(called[limit] for limit in tried)) for name, (count, called) in kinds.items()),
        *(
            (f"{name}, not read", count, *(called[limit] for limit in tried))
            for name, (count, called) in unread.items()
        ),
    ]
    return f"""## The second limit: a likely cancer that is not read

What a detector refuses though it was filed as dermoscopic, and whose malignant sum, which is not shown, is at least
**{refused.refer_from:g}**, is *refer: uncertain* with the detector's reason
({refused.how}).
Below, how many of each kind each limit would call so; none of these photographs set it.

{table(("pictures", "number", *(f"from {limit}" for limit in tried)), rows)}"""
