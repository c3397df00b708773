"""The section of the model card on several photographs of one lesion."""

import json
from collections.abc import Mapping
from typing import Any

from ml.bundle.manifest import Manifest
from ml.metrics.estimate import Estimate, table
from ml.reports.repeatability import RESULTS

ALONE = {"all": "lesions", "malignant": "malignant lesions", "not_malignant": "other lesions"}
PAIRS = {
    "pair": "two single photographs",
    "left_out": "a pool of two, and the photograph left out",
    "without": "a pool of all, and without one of them",
}
JUDGED = {"differs": "another outcome", "opposite": "low risk and suspicious", "crossed": "across the suspicious limit"}
CAUGHT = {
    "sensitivity_not_low_risk": "malignant, not low risk",
    "sensitivity_suspicious": "malignant, suspicious",
    "specificity_low_risk": "not malignant, low risk",
    "specificity_not_suspicious": "not malignant, not suspicious",
}
SCORES = {"log_loss": "class-mean log loss", "malignancy_auc": "malignancy AUC"}
READ = {"single": "single photographs", "mean": "pooled, equal weights", "pooled": "pooled by the bundle's rule"}


def describe_repeatability(manifest: Manifest) -> list[str]:
    """The section for which the published figures are of this bundle's version; else none."""
    if manifest.pooling is None or not RESULTS.is_file():
        return []
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    if (found["bundle"]["name"], found["bundle"]["version"]) != (manifest.name, manifest.version):
        return []
    return [_write_section(found, manifest)]


def _write_section(found: Mapping[str, Any], manifest: Manifest) -> str:
    rule = manifest.pooling
    if rule is None:
        return ""
    both, test = found["repeatability"]["both folds"], found["test"]
    counts = ", ".join(f"{number} with {count}" for count, number in both["lesions"].items())
    many = sum(number for count, number in both["lesions"].items() if int(count) > 2)
    return f"""## Several photographs of one lesion

Lesions of fold 4 and the test fold, which the network was not trained on, with several photographs that it can assess:
{counts}. HAM10000's photographs of a lesion differ in angle and magnification. Intervals (95 %) are
Wilson's over lesions; fold 4 set the rule, and each fold alone is in [repeatability.json](repeatability.json).

Any two single photographs of a lesion:

{table(("of", *JUDGED.values()), _list_alone(both["single"]))}

**Pooled.** The malignant log-odds are averaged with the weights of the rule in the manifest: the malignant odds to the
power {rule.odds_power:g}{_name_quality(manifest)}. The rule:
{rule.how}.

One photograph alone not *low risk* keeps the lesion from it, so pooled lesions are less often *low risk*. Pairs of
readings that differ, in the first two rows on the {many} lesions with three or more photographs, each lesion in equal
shares:

{table(("pairs", *JUDGED.values()), _list_pairs(both))}

On the same lesions, {both["sensitivity"]["malignant_lesions"]} of them malignant:

{table(("share", "single photographs", "pools of two"), _list_caught(both["sensitivity"]))}

The {test["lesions"]} lesions of the test fold with several photographs, all pooled; log loss is that of the balanced
scores, averaged within each class and then over classes:

{table(("", *READ.values()), _list_read(test))}

**Copies and other lesions.** Two photographs with signatures of a cosine from {rule.copy_from:g} on count as one;
photographs below {rule.same_from:g} look like different lesions and are not pooled. Pairs of the test fold:

{table(("photographs of", "pairs", "copies", "different lesions"), _list_similarity(test["similarity"]))}

**A melanoma among nevi.** {found["dilution"]["melanomas"]} melanomas, none *low risk* alone, each with nevi of other
lesions in one examination, drawn {found["dilution"]["draws"]} times:

{table(("nevi", "examinations", "told apart", "low risk"), _list_dilution(found["dilution"]))}"""


def _name_quality(manifest: Manifest) -> str:
    rule = manifest.pooling
    if rule is None or not rule.quality_power:
        return ""
    return f", times the photograph's {rule.quality_measure} to the power {rule.quality_power:g}"


def _percent(figure: Mapping[str, Any]) -> str:
    return Estimate.from_json(figure).text(1, percent=True)


def _list_alone(single: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (f"{single[kind]['differs']['n']} {name}", *(_percent(single[kind][each]) for each in JUDGED))
        for kind, name in ALONE.items()
        if kind in single
    ]


def _list_pairs(both: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [(name, *(_percent(both[kind][each]) for each in JUDGED)) for kind, name in PAIRS.items()]


def _list_caught(caught: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (name, *(_percent(caught[kind][each]) for kind in ("single", "pool_of_two"))) for each, name in CAUGHT.items()
    ]


def _list_read(test: Mapping[str, Any]) -> list[tuple[str, ...]]:
    scores = [(name, *(Estimate.from_json(test[kind][each]).text() for kind in READ)) for each, name in SCORES.items()]
    return [*scores, *((name, *(_percent(test[kind][each]) for kind in READ)) for each, name in CAUGHT.items())]


def _list_similarity(similarity: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (kind, str(each["pairs"]), f"{100 * each['copies']:.1f} %", f"{100 * each['different']:.1f} %")
        for kind, each in similarity.items()
    ]


def _list_dilution(dilution: Mapping[str, Any]) -> list[tuple[object, ...]]:
    return [
        (count, each["examinations"], each["told_apart"], each["low_risk"]) for count, each in dilution["with"].items()
    ]
