"""Readings of altered photographs of malignant lesions, with and without the rules on colour and alteration."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ml.bundle.manifest import Manifest
from ml.data.isic import Record
from ml.evaluation.manipulations import MANIPULATIONS
from ml.evaluation.observe import Observer, from_changed, from_file
from ml.evaluation.refused_images import count_called
from ml.metrics.shares import estimate_share
from ml.serve.detector import Detector
from ml.serve.interpretation import Outcome, Reading, interpret
from ml.taxonomy import MALIGNANT_INDICES


def measure_manipulations(
    manifest: Manifest, detector: Detector | None, observer: Observer, chosen: Sequence[Record]
) -> dict[str, Any]:
    """Readings of photographs of malignant lesions, original and altered, by kind and strength.

    Returns shares for each cell and, among all altered photographs that are refused, the number that reaches each
    candidate of the second limit.
    """
    plain = observer.observe([from_file(record.path) for record in chosen], "malignant lesions")
    rows = {("none", ""): plain}
    for kind, strengths in MANIPULATIONS.items():
        for strength, change in strengths.items():
            makers = [from_changed(record.path, change) for record in chosen]
            rows[kind, strength] = observer.observe(makers, f"manipulated: {kind}, {strength}")
    before = without_appearance(manifest)
    cells, altered = [], []
    for (kind, strength), observations in rows.items():
        read = [interpret(observation, manifest, detector) for observation in observations]
        altered += read if strength else []
        cells.append(
            {
                "kind": kind,
                "strength": strength,
                **_describe(read, [interpret(e, before, detector) for e in observations]),
            }
        )
    unread = sum(not reading.is_read for reading in altered)
    return {"images": len(chosen), "cells": cells, "unread": unread, "called": count_called(altered)}


def choose_malignant(records: Sequence[Record]) -> list[Record]:
    """The first photograph of each malignant lesion."""
    first: dict[str, Record] = {}
    for record in records:
        if record.label in MALIGNANT_INDICES:
            first.setdefault(record.group, record)
    return list(first.values())


def without_appearance(manifest: Manifest) -> Manifest:
    """A copy of the manifest without the rules on colour and alteration and without the second limit."""
    return replace(
        manifest,
        thresholds=replace(manifest.thresholds, refused=None),
        quality=replace(manifest.quality, colour_from=0.0, altered=None),
    )


def _describe(readings: Sequence[Reading], before: Sequence[Reading]) -> dict[str, Any]:
    shares = {
        "low_risk_before": [each.outcome is Outcome.LOW_RISK for each in before],
        "low_risk": [each.outcome is Outcome.LOW_RISK for each in readings],
        "refused": [not each.is_read for each in readings],
        "flagged": [each.is_read and bool(each.flags) for each in readings],
    }
    return {name: estimate_share(holds).to_json() for name, holds in shares.items()}
