"""Metrics by subgroup: age, sex, site, and how the diagnosis was confirmed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.data.isic import Record
from ml.metrics import bootstrap, classification
from ml.metrics.estimate import OVER_GROUPS

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

FEWEST = 20
CLINICAL_MALIGNANT = ("ACK", "BCC", "MEL", "SCC")
SKIN_TONES = {"1": "I and II", "2": "I and II", "3": "III", "4": "IV to VI", "5": "IV to VI", "6": "IV to VI"}
AGES = (30, 50, 70)
UNKNOWN = "not stated"


def name_age(record: Record) -> str:
    """The age band of a record."""
    if record.age is None:
        return UNKNOWN
    edges = (0, *AGES)
    index = sum(record.age >= edge for edge in AGES)
    return f"{edges[index]} to {AGES[index] - 1}" if index < len(AGES) else f"{AGES[-1]} and over"


PARTITIONS: dict[str, Callable[[Record], str]] = {
    "age": name_age,
    "sex": lambda record: record.sex or UNKNOWN,
    "site": lambda record: record.site or UNKNOWN,
    "confirmation": lambda record: record.confirmation or UNKNOWN,
}


def measure_subgroups(
    scored: classification.Scored, low_risk: BoolArray, records: Sequence[Record], groups: Sequence[str]
) -> dict[str, Any]:
    """Images, malignant images and three metrics with intervals over lesions, for subgroups of at least 20 images.

    Sensitivity is the share of malignant images that are not *low risk*, specificity that of the others that are.
    """
    return {
        name: {
            part: _measure_part(scored, low_risk, np.array([choose(record) == part for record in records]), groups)
            for part in sorted({choose(record) for record in records})
            if sum(choose(record) == part for record in records) >= FEWEST
        }
        for name, choose in PARTITIONS.items()
    }


def measure_skin_tones(malignant: FloatArray, rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """ROC AUC of the malignant sum (N,) on clinical photographs by Fitzpatrick type, actinic keratosis as malignant.

    The detector refuses such photographs, and their diagnoses differ: a hint about skin tone, not a measure of the
    network.
    """
    ill = np.array([row["diagnostic"] in CLINICAL_MALIGNANT for row in rows])
    tones = [SKIN_TONES.get(row["fitzpatrick"].split(".")[0], UNKNOWN) for row in rows]
    patients = [row["patient_id"] for row in rows]
    results = {}
    for tone in sorted(set(tones)):
        chosen = np.array([each == tone for each in tones])

        def measure(weights: FloatArray, chosen: BoolArray = chosen) -> dict[str, FloatArray]:
            return {
                "auc": classification.area_under_roc(positive=ill[chosen], scores=malignant[chosen], weights=weights)
            }

        groups = [patient for patient, inside in zip(patients, chosen, strict=True) if inside]
        results[tone] = {
            "images": int(chosen.sum()),
            "malignant": int(ill[chosen].sum()),
            "malignancy_auc": bootstrap.estimate(measure, groups, how=OVER_GROUPS)["auc"].to_json(),
        }
    return results


def _measure_part(
    scored: classification.Scored, low_risk: BoolArray, inside: BoolArray, groups: Sequence[str]
) -> dict[str, Any]:
    chosen = np.flatnonzero(inside)
    part = classification.Scored(scored.labels[chosen], scored.probabilities[chosen], scored.balanced_scores[chosen])
    ill, low = part.is_malignant, low_risk[chosen]

    def measure(weights: FloatArray) -> dict[str, FloatArray]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "malignancy_auc": classification.area_under_roc(positive=ill, scores=part.malignant, weights=weights),
                "sensitivity": (weights @ (~low & ill)) / (weights @ ill),
                "specificity": (weights @ (low & ~ill)) / (weights @ ~ill),
            }

    of = {"sensitivity": int(ill.sum()), "specificity": int((~ill).sum())}
    found = bootstrap.estimate(measure, [groups[int(index)] for index in chosen], of=of)
    return {
        "images": len(chosen),
        "malignant": int(ill.sum()),
        **{name: each.to_json() for name, each in found.items()},
    }
