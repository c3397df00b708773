"""The part of the model card on limits: outcomes, calibration, refusals, stability, subgroups."""

from collections.abc import Iterable, Mapping
from typing import Any

from ml.bundle.manifest import Manifest
from ml.metrics.estimate import Estimate, Table, table
from ml.taxonomy import CLASSES

BESIDE = "model-card"
"""Folder of the card's images, beside the card."""

DIAGRAM = "reliability.svg"
CREDIT = "Photographs: ISIC 2018 Task 3 (HAM10000), ViDIR Group, Medical University of Vienna, CC BY-NC 4.0."
OUTCOMES = {
    "low_risk": "low risk",
    "suspicious": "suspicious",
    "refer_uncertain": "refer: uncertain",
    "not_assessable": "not assessable",
}
SHARES = {
    "naevi_low_risk": ("naevi called *low risk*", "at least 65 %"),
    "refer_uncertain": ("all called *refer: uncertain*", "at most 15 %"),
    "not_assessable": ("all called *not assessable*", "at most 3 %"),
    "melanomas_low_risk": ("melanomas called *low risk*", "at most 3 %"),
    "malignant_suspicious": ("malignant called *suspicious* (sensitivity)", "about 95 %"),
    "others_not_suspicious": ("others not called *suspicious* (specificity)", "79 % published"),
}
POINTS = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv_at_0.01": "PPV at 1 %",
    "ppv_at_0.03": "PPV at 3 %",
    "ppv_at_0.1": "PPV at 10 %",
}

RELIABILITY_INTERVALS = "Intervals are Wilson's (95 %) and count each lesion once."
REFUSAL_INTERVALS = """\
*N of M*: N pictures of M lesions or patients. Intervals (95 %) are Wilson's for what is refused, and
count each lesion or patient once; those of AUROC are by bootstrap over them, and have no width at 1."""
STABILITY_INTERVALS = """\
Each photograph is of another lesion. Intervals (95 %) are Wilson's, as those of the spoilt photographs; the mean's is
by bootstrap."""


def describe_limits(manifest: Manifest) -> list[str]:
    """The sections for which the manifest has results."""
    limits = manifest.limits
    name = choose_fold(manifest)
    fold, title = limits.get(name), name_fold(name) + ("" if name == "test" else " (in-sample)")
    sections = [_describe_fitting(manifest)] if "fitting" in limits else []
    if fold is not None:
        sections += [
            _describe_outcomes(fold, title),
            _describe_operating_points(fold, title),
            _describe_reliability(fold, title),
            _describe_sets(fold, manifest, title),
            _describe_decision_curve(fold, title),
            _describe_subgroups(fold, title),
        ]
    if "gate" in limits:
        sections.append(_describe_detector(manifest))
    if "skin_tones" in limits:
        sections.append(_describe_skin_tones(limits["skin_tones"]))
    if "stability" in limits:
        sections += [_describe_quality(manifest), _describe_stability(limits)]
    return sections


def choose_fold(manifest: Manifest) -> str:
    """The fold that the sections are about, as named in the manifest's limits; empty if there is none."""
    limits = manifest.limits
    return "test" if "test" in limits else next((name for name in limits if name.startswith("fold_")), "")


def name_fold(name: str) -> str:
    """A fold of the manifest in words."""
    return "the test fold" if name == "test" else name.replace("_", " ")


def show_share(figure: Mapping[str, Any]) -> str:
    """``66.2 % [62.0, 70.1]``."""
    return Estimate.from_json(figure).text(1, percent=True)


def show_figure(figure: Mapping[str, Any], digits: int = 4) -> str:
    """``0.9462 [0.9271, 0.9630]``."""
    return Estimate.from_json(figure).text(digits)


def _describe_fitting(manifest: Manifest) -> str:
    fitting = manifest.limits["fitting"]
    methods = table(
        ("calibration", "loss", "expected calibration error"),
        (
            (each["method"], f"{each['loss']:.4f}", f"{each['expected_calibration_error']:.4f}")
            for each in fitting["calibration"]
        ),
    )
    sets = table(
        ("sets of", "coverage", "of melanomas", "mean size"),
        (
            (
                each["score"].replace("_", " "),
                f"{each['coverage']:.3f}",
                f"{each['melanoma_coverage']:.3f}",
                f"{each['mean_size']:.2f}",
            )
            for each in fitting["prediction_sets"]
        ),
    )
    return f"""## How its limits were chosen

On {fitting["images"]} images of the calibration fold, in five parts by lesion: each part is judged by what was fitted
on the other four, so that no figure here is in-sample but in one respect: the best row of each table was chosen by it.
Chosen: {manifest.calibration.how}.

{methods}

Prediction sets that hold the true class in {_coverage(manifest)} of the images; the smallest were chosen among those
that are served and hold most melanomas.

{sets}"""


def _coverage(manifest: Manifest) -> str:
    return "a share" if manifest.prediction_sets is None else f"{manifest.prediction_sets.coverage:.0%}"


def _describe_outcomes(fold: Mapping[str, Any], title: str) -> str:
    counts = table(
        ("class", *OUTCOMES.values()),
        ((code, *(fold["outcomes"][code][outcome] for outcome in OUTCOMES)) for code in CLASSES),
    )
    shares = table(
        ("share", "measured", "aim"),
        ((words, show_share(fold["shares"][name]), aim) for name, (words, aim) in SHARES.items()),
    )
    return f"""## What it says of whom, on {title}

{fold["images"]} images of {fold["lesions"]} lesions, by class and outcome:

{counts}

{shares}

{_show_missed(fold["missed_melanomas"])}"""


def _show_missed(missed: list[Mapping[str, Any]]) -> str:
    if not missed:
        return "No melanoma was called *low risk*."
    shown = table(
        ("melanoma called low risk", "image", "malignant sum", "melanoma"),
        (
            (
                f"![{each['image']}]({BESIDE}/{each['image']}.jpg)",
                each["image"],
                f"{each['malignant']:.4f}",
                f"{each['melanoma']:.4f}",
            )
            for each in missed
        ),
    )
    return f"{shown}\n\n{CREDIT}"


def _describe_operating_points(fold: Mapping[str, Any], title: str) -> str:
    rows = (
        (name, entry["threshold"], *(show_share(entry[key]) for key in POINTS))
        for name, entry in fold["operating_points"].items()
    )
    return f"""## Operating points, on {title}

Thresholds set for a sensitivity of 0.95 on the calibration fold, with a bound. PPV: of a hundred lesions that reach the
threshold so many are malignant (or melanomas), where so many of all lesions are.

{table(("of", "threshold", *POINTS.values()), rows)}"""


def _describe_reliability(fold: Mapping[str, Any], title: str) -> str:
    text = f"""## Does it mean what it says? On {title}

![What was said against what was found]({BESIDE}/{DIAGRAM})

The diagram has every fold that was measured; its bars are bands of 95 % for independent images. In tenths of the
images, by malignant sum: its mean, and the share that was malignant.
{RELIABILITY_INTERVALS}

{_tabulate_bins(fold["reliability"], ("malignant sum", "malignant"))}"""
    if "confidence" in fold:
        text += f"""

By the probability of the most probable class: its mean, and the share that was of that class.

{_tabulate_bins(fold["confidence"], ("probability", "of that class"))}"""
    return text


def _tabulate_bins(bins: Iterable[Mapping[str, Any]], columns: tuple[str, str]) -> Table:
    rows = ((each["images"], f"{each['said']:.3f}", show_figure(each["found"], 3)) for each in bins)
    return table(("images", *columns), rows)


def _describe_sets(fold: Mapping[str, Any], manifest: Manifest, title: str) -> str:
    sets, rule = fold["prediction_sets"], manifest.prediction_sets
    if sets is None or rule is None:
        return "## Prediction sets\n\nThis bundle has none."
    rows = (
        ("all", fold["images"], show_share(sets["coverage"])),
        *((name, entry["n"], show_share(entry)) for name, entry in sets["classes"].items()),
    )
    sizes = ", ".join(f"{count} of {size}" for size, count in sets["sizes"].items())
    return f"""## Prediction sets, on {title}

The classes whose {rule.score.replace("_", " ")[:-1]} is at least {rule.at_least:.4f}, and always the highest: to hold
the true class in {rule.coverage:.0%} ({rule.how}). Mean size {show_figure(sets["size"], 3)}; sets by size: {sizes}. The
interval of all is by bootstrap over lesions, those by class are Clopper-Pearson bands.

{table(("class", "images", "covered"), rows)}"""


def _describe_decision_curve(fold: Mapping[str, Any], title: str) -> str:
    rows = (
        (f"{each['threshold']:g}", show_figure(each["network"]), show_figure(each["act_on_all"]))
        for each in fold["decision_curve"]
    )
    return f"""## Decision curve, on {title}

Net benefit for each lesion of acting from that malignant sum on, against acting on every lesion; acting on none is 0.

{table(("from", "network", "act on all"), rows)}"""


def _describe_subgroups(fold: Mapping[str, Any], title: str) -> str:
    rows = (
        (
            f"{partition}: {part}",
            entry["images"],
            entry["malignant"],
            show_figure(entry["malignancy_auc"], 3),
            show_share(entry["sensitivity"]),
            show_share(entry["specificity"]),
        )
        for partition, parts in fold["subgroups"].items()
        for part, entry in parts.items()
    )
    return f"""## Subgroups, on {title}

Parts of 20 images or more. Sensitivity: malignant images not called *low risk*; specificity: others called so.

{table(("part", "images", "malignant", "malignancy AUC", "sensitivity", "specificity"), rows)}"""


def _describe_detector(manifest: Manifest) -> str:
    rows = (
        (
            name,
            _count_pictures(entry),
            show_share(entry["refused"]),
            ", ".join(f"{reason.replace('_', ' ')} {count}" for reason, count in entry["reasons"].items()) or "none",
            "" if name == "fold" else show_figure(entry["auroc"]["kind"]),
            "" if name == "fold" else show_figure(entry["auroc"]["distance"]),
        )
        for name, entry in manifest.limits["gate"].items()
    )
    held_out = manifest.limits["held_out_class"]
    how = "" if manifest.gate is None else f" ({manifest.gate.how})"
    return f"""## What it refuses to read

A picture that is no dermoscopic photograph of a skin lesion, or unlike all training images, is *not assessable*, and
named as what it looks like{how}. The row *fold* is in-sample: both limits were set on it. No other picture
here was used to fit them: the clinical photographs are of other patients, and nothing drawn was. AUROC: against the
images of the calibration fold ("fold"), by the kind's log-odds and by the distance from the training
images.
{REFUSAL_INTERVALS}

{table(("pictures", "number", "refused", "why", "AUROC, kind", "AUROC, distance"), rows)}

What it makes of a class that it has not seen: with {held_out["class"]} left out of the detector's fit,
{show_share(held_out["refused_as_unlike"])} of {held_out["images"]} such images are refused as unlike (AUROC of the
distance {show_figure(held_out["auroc_distance"], 3)}); the network itself has learnt the class."""


def _count_pictures(entry: Mapping[str, Any]) -> str:
    """``798 of 596``: images, and of how many lesions or patients if these are fewer."""
    groups = entry.get("groups", entry["images"])
    return str(entry["images"]) if groups == entry["images"] else f"{entry['images']} of {groups}"


def _describe_quality(manifest: Manifest) -> str:
    measured = manifest.limits.get("flags", {})
    flags = (
        (
            rule.name.replace("_", " "),
            f"{rule.measure.replace('_', ' ')} {_limit(rule)}",
            f"{100 * rule.share:.1f} %",
            *_show_precision(measured.get(rule.name, {})),
        )
        for rule in manifest.quality.flags
    )
    faults = (
        (name, entry["images"], show_share(entry["refused"]), show_share(entry["refused_or_flagged"]))
        for name, entry in manifest.limits["faults"].items()
    )
    header = ("flag", "raised where", "of ISIC photographs", "precision", "flagged", "spoilt ones found")
    return f"""## Quality of the photograph

Flags warn and do not refuse; their limits come from measured photographs: {manifest.quality.how}.
The shares are in-sample: of the photographs that each limit was set on, and so by choice.

Precision: of those flagged, how many are rightly so. *By fault*: of photographs of the calibration fold, each of
another lesion, as many spoilt in the way that the flag says as left as they are; where faults are rarer, more of the
flagged are well. *By eye*: of all photographs of the calibration fold, against `docs/flag-labels.csv`, in which the
flagged lie in random order among others, by one annotator who is no clinician. Intervals are Wilson's (95 %).

{table(header, flags)}

Photographs of the calibration fold spoilt, and, in-sample, as they are (*none*):

{table(("fault", "number", "refused", "refused or flagged"), faults)}"""


def _show_precision(found: Mapping[str, Any]) -> tuple[str, str, str]:
    if "precision" not in found:
        return "not measured", "0", ""
    sensitivity = show_share(found["found"]) if "found" in found else ""
    return f"{show_share(found['precision'])}, by {found['by']}", str(found["raised"]), sensitivity


def _limit(rule: Any) -> str:
    return f"< {rule.below:g}" if rule.below is not None else f"> {rule.above:g}"


def _describe_stability(limits: Mapping[str, Any]) -> str:
    stability, scale = limits["stability"], limits["scale"]
    named = {**stability["changes"], "mean of these": stability["mean"], "any of these": stability["any"]}
    rows = ((name, show_share(entry["changed"]), show_share(entry["opposite"])) for name, entry in named.items())
    return f"""## Stability

Of {stability["images"]} photographs of the calibration fold, on which the outcome's thresholds were set: the share
whose outcome is another after a small change, and the share that goes from *low risk* to *suspicious* or back.
Published systems: 6.5 to 22 % (Young et al., 2021).
{STABILITY_INTERVALS}

{table(("change", "another outcome", "the opposite"), rows)}

Read at their own size and enlarged twofold, {scale["images"]} photographs agree in whether they can be read in
{show_share(scale["assessable"])}, in their flags in {show_share(scale["flags"])}, and in their outcome in
{show_share(scale["outcome"])}."""


def _describe_skin_tones(tones: Mapping[str, Any]) -> str:
    rows = ((name, e["images"], e["malignant"], show_figure(e["malignancy_auc"], 3)) for name, e in tones.items())
    return f"""## Skin tone

**Skin tone not evaluated**: HAM10000 does not record it. A hint only: smartphone photographs of PAD-UFES-20, which the
detector refuses and whose diagnoses are others, ordered by the malignant sum all the same.

{table(("Fitzpatrick type", "photographs", "malignant or actinic keratosis", "AUC"), rows)}"""
