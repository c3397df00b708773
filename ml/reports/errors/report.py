"""Error report of a model: ``errors.json`` with the numbers, ``index.html`` with images."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from ml.data.isic import read_isic
from ml.data.split import hash_data
from ml.evaluation.mistakes import (
    Mistake,
    Reviewed,
    list_confident_mistakes,
    list_confusions,
    list_missed_malignant,
    measure_parts,
)
from ml.evaluation.subgroups import PARTITIONS
from ml.metrics.classification import count_confusion, decide
from ml.pipelines.study.results import write_json
from ml.reports.destination import check_destination
from ml.reports.errors.noisy_labels import DoubtedLabel, cross_validate_features, find_candidates
from ml.reports.errors.page import write_error_page
from ml.reports.errors.parts import divide_by_pictures
from ml.reports.errors.review import Subject, review_bundle, review_study_folder
from ml.reports.errors.sources import PUBLISHED, Sources
from ml.reports.errors.text import summarise

SHOWN, LISTED, CONFUSIONS = 12, 60, 6


def report(sources: Sources, *, progress: bool = True) -> Path:
    """Review the model, write page and numbers, and return the page."""
    data_sha256 = hash_data(read_isic(sources.data).records)
    check_destination(sources.out, PUBLISHED, data_sha256, sources.data, publish=sources.publish)
    subject = review(sources, progress=progress)
    by_record = {name: [choose(record) for record in subject.records] for name, choose in PARTITIONS.items()}
    by_picture = divide_by_pictures(subject.records, sources.data, sources.cache, progress=progress)
    figures = {
        "data_sha256": data_sha256,
        "model": subject.name,
        "on": subject.on,
        **count_errors(subject.reviewed),
        "parts": {name: measure_parts(subject.reviewed, parts) for name, parts in (by_record | by_picture).items()},
        "noisy_labels": doubt_labels(subject, sources, progress=progress),
    }
    figures["summary"] = summarise(figures)
    write_json(sources.out / "errors.json", figures)
    page = sources.out / "index.html"
    write_error_page(figures, sources.data, page, results=sources.results, plan=sources.plan)
    return page


def count_errors(reviewed: Reviewed) -> dict[str, Any]:
    """Counts, confusion, and the mistakes to show, as plain values."""
    scored = reviewed.scored
    ones = np.ones((1, len(reviewed.names)))
    confusion = count_confusion(labels=scored.labels, decided=decide(scored.balanced_scores), weights=ones)[0]
    every = len(reviewed.names)
    wrong, missed = list_confident_mistakes(reviewed, every), list_missed_malignant(reviewed, every)
    return {
        "images": every,
        "low_risk_below": reviewed.low_risk_below,
        "malignant": int(scored.is_malignant.sum()),
        "wrong": len(wrong),
        "missed_malignant": len(missed),
        "confusion": confusion.astype(int).tolist(),
        "confusions": [list(each) for each in list_confusions(reviewed, CONFUSIONS)],
        "mistakes": [asdict(each) for each in take_one_a_lesion(wrong, reviewed)[:SHOWN]],
        "missed": [asdict(each) for each in take_one_a_lesion(missed, reviewed)[:SHOWN]],
    }


def take_one_a_lesion(mistakes: Sequence[Mistake], reviewed: Reviewed) -> list[Mistake]:
    """The first mistake of each lesion, in order, since several photographs of a lesion show one mistake."""
    lesion_of = dict(zip(reviewed.names, reviewed.lesions, strict=True))
    firsts: dict[str, Mistake] = {}
    for mistake in mistakes:
        firsts.setdefault(lesion_of[mistake.name], mistake)
    return list(firsts.values())


def review(sources: Sources, *, progress: bool) -> Subject:
    """Review the study folder if one is given, else the bundle."""
    if sources.run is not None:
        return review_study_folder(sources.run, sources.data)
    return review_bundle(sources.bundle, sources.data, sources.fold, progress=progress)


def doubt_labels(subject: Subject, sources: Sources, *, progress: bool) -> dict[str, Any]:
    """Suspected label errors by the model, by frozen features if weights are given, and by both."""
    scored = subject.reviewed.scored
    by_model = find_candidates(subject.reviewed.names, scored.labels, scored.probabilities)
    found: dict[str, Any] = {"by_model": _list(by_model), "model_doubts": len(by_model)}
    if sources.weights is not None:
        names, labels, probabilities = cross_validate_features(
            sources.data, sources.probe, sources.weights, sources.features, progress=progress
        )
        by_features = find_candidates(names, labels, probabilities)
        doubted = {each.name for each in by_features}
        both = [each for each in by_model if each.name in doubted]
        found |= {"by_features": _list(by_features), "features_doubt": len(by_features), "features_of": len(names)}
        found |= {"by_both": _list(both), "both_doubt": len(both)}
    return found


def _list(candidates: Sequence[DoubtedLabel]) -> list[dict[str, Any]]:
    return [asdict(each) for each in candidates[:LISTED]]


def main(options: argparse.Namespace) -> int:
    """Make the report and print its page."""
    chosen = {item.name: getattr(options, item.name) for item in fields(Sources)}
    print(report(Sources(**(chosen | {"out": PUBLISHED} if options.publish else chosen))))
    return 0
