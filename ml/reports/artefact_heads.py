"""Do the gate's estimates of artefacts see what the eye sees?

The heads for hair, ruler, ink and dark corners learnt from the heuristics of ``ml.data.artefacts``, not from labels.
Here they read the pictures of docs/eda/artefact_labels.csv and are set against those labels on which both passes agree.
Half of these pictures were drawn for high scores, so that shares of them are not shares of all photographs. Writes
docs/artefact-heads.json, which the model card shows for the gate that it was measured on.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.build.gate import draw_fitting_pictures, score_record
from ml.bundle.folder import DEFAULT_BUNDLE, Bundle, load_bundle
from ml.bundle.manifest import GATE_FILE
from ml.data.artefacts import ARTEFACTS, THRESHOLDS
from ml.data.isic import Record, read_isic
from ml.data.split import read_split
from ml.errors import UserError
from ml.evaluation.observe import Observer, from_file
from ml.metrics import bootstrap
from ml.metrics.classification import area_under_roc
from ml.metrics.shares import find_interval
from ml.reports.eda.agreement import read_labels
from ml.reports.model_card import card
from ml.reports.model_card.heads import ARTEFACT_HEADS
from ml.serve.gate import load_gate
from ml.serve.predictor import Predictor
from ml.support.disk import writing

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

ROUNDED = 4


def measure_heads(
    bundle: Bundle, observer: Observer, records: Sequence[Record], labels: pd.DataFrame, fitted: BoolArray
) -> dict[str, Any]:
    """Every artefact on all labelled pictures and on those that the heads were not ``fitted`` on (N,).

    ``records`` and ``labels`` are in the same order. Raises ``UserError`` where the bundle has no gate.
    """
    if (gate := load_gate(bundle)) is None:
        raise UserError(f"{bundle.path}: has no gate, so no heads; give a bundle made with --clinical and --everyday")
    observed = observer.observe([from_file(record.path) for record in records], "labelled pictures")
    told = [gate.judge(each.late_statistics).measures for each in observed]
    heuristic = [score_record(record) for record in records]
    limits = {rule.measure: rule.above for rule in bundle.manifest.quality.flags}
    lesions = np.array([record.group for record in records])
    heads: dict[str, Any] = {}
    for name in ARTEFACTS:
        first, second = (labels[f"{name}_{at}"].to_numpy() == 1 for at in (1, 2))
        scores = {
            "head": np.array([each[name] for each in told]),
            "heuristic": np.array([each[name] for each in heuristic]),
        }
        rules = {"flag": limits.get(name), "heuristic_threshold": THRESHOLDS[name]}
        heads[name] = {
            part: _describe_part(
                first[chosen], {key: each[chosen] for key, each in scores.items()}, rules, lesions[chosen]
            )
            for part, chosen in (("all", first == second), ("not_fitted_on", (first == second) & ~fitted))
        }
    return {
        "bundle": bundle.manifest.name,
        "gate_sha256": bundle.manifest.files[GATE_FILE],
        "labelled": len(records),
        "fitted_on": [record.image_id for record, seen in zip(records, fitted, strict=True) if seen],
        "heads": heads,
    }


def measure_kappa(seen: BoolArray, called: BoolArray, weights: FloatArray) -> FloatArray:
    """Cohen's κ (Educ Psychol Meas 20, 1960) under rows of weights (B, N): (B,); NaN where both say one thing only."""
    share = weights / weights.sum(axis=1, keepdims=True)
    positive, raised = share @ seen, share @ called
    chance = positive * raised + (1 - positive) * (1 - raised)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(chance < 1, (share @ (seen == called) - chance) / (1 - chance), np.nan))


def _describe_part(
    seen: BoolArray, scores: Mapping[str, FloatArray], rules: Mapping[str, float | None], lesions: npt.NDArray[np.str_]
) -> dict[str, Any]:
    called = {name: scores["head"] > limit for name, limit in rules.items() if limit is not None}

    def measure(weights: FloatArray) -> dict[str, FloatArray]:
        areas = {
            f"auroc_{name}": area_under_roc(positive=seen, scores=values, weights=weights)
            for name, values in scores.items()
        }
        return areas | {f"kappa_{name}": measure_kappa(seen, raised, weights) for name, raised in called.items()}

    values, intervals = measure(np.ones((1, len(seen)))), bootstrap.intervals(measure, list(lesions))
    found = {name: _round(values[name][0], *intervals[name]) for name in values}
    return {
        "images": len(seen),
        "positive": int(seen.sum()),
        "auroc": found["auroc_head"],
        "auroc_of_heuristic": found["auroc_heuristic"],
        "rules": {
            name: {
                "above": rules[name],
                "sensitivity": _describe_share(raised[seen]),
                "specificity": _describe_share(~raised[~seen]),
                "kappa": found[f"kappa_{name}"],
            }
            for name, raised in called.items()
        },
    }


def _describe_share(holds: BoolArray) -> list[float | None]:
    share = float(holds.mean()) if len(holds) else np.nan
    return _round(share, *(find_interval(share, len(holds)) if len(holds) else (np.nan, np.nan)))


def _round(*values: float) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), ROUNDED) for value in values]


def main(options: argparse.Namespace) -> int:
    """Measure, and write what was found as JSON, with the card where it is of the shipped bundle."""
    out = options.out or ARTEFACT_HEADS
    bundle, split, labels = load_bundle(options.bundle), read_split().fold_of, read_labels()
    records = {record.image_id: record for record in read_isic(options.data).records}
    if missing := [name for name in labels["image"] if name not in records]:
        raise UserError(f"{options.data}: has no {missing[0]}, which is labelled; give the whole data set")
    drawn = draw_fitting_pictures([each for each in records.values() if split[each.image_id] in options.folds])
    fitted = labels["image"].isin([record.image_id for record in drawn]).to_numpy()
    chosen = [records[name] for name in labels["image"]]
    result = measure_heads(bundle, Observer(Predictor(bundle, "onnx")), chosen, labels, fitted)
    with writing(out):
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if (out, options.bundle) == (ARTEFACT_HEADS, DEFAULT_BUNDLE):
        card.write(bundle.manifest)
    print(out)
    return 0
