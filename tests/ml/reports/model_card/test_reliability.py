"""The reliability diagram shows what the manifest keeps."""

from typing import Any

import numpy as np
import pytest

from ml.bundle.folder import Bundle
from ml.evaluation.limits import measure_reliability
from ml.reports.model_card.reliability import draw_reliability
from tests.ml.figures import make_figure

BINS = [
    {"images": 100, "said": 0.1, "found": make_figure(0.2, 0.1, 0.3)},
    {"images": 100, "said": 0.9, "found": make_figure(1.0, 0.9, 1.0)},
]


def test_tenths_have_the_mean_of_what_was_said_and_the_share_found() -> None:
    said, found = np.linspace(0.005, 0.995, 100), np.arange(100) >= 55
    bins = measure_reliability(said, found, [str(place) for place in range(100)])
    assert [each["images"] for each in bins] == [10] * 10
    assert (bins[0]["images"], bins[0]["said"], bins[0]["found"]["value"]) == (10, pytest.approx(0.05), 0.0)
    assert [each["found"]["value"] for each in bins[4:7]] == [0.0, 0.5, 1.0]


def test_each_kind_that_a_fold_has_gets_a_panel_and_each_fold_a_line() -> None:
    limits: dict[str, Any] = {"test": {"reliability": BINS}, "fold_4": {"reliability": BINS, "confidence": BINS}}
    figure = draw_reliability(limits | {"stability": {}})
    assert figure is not None
    malignant, confidence = figure.axes
    assert malignant.get_legend_handles_labels()[1] == ["fold 4", "test fold"]
    assert confidence.get_legend_handles_labels()[1] == ["fold 4"]
    assert confidence.get_xlabel() == "probability of the most probable class"


def test_a_manifest_without_folds_has_no_diagram() -> None:
    assert draw_reliability({"stability": {}}) is None


def test_the_shipped_bundle_has_one(bundle: Bundle) -> None:
    assert draw_reliability(bundle.manifest.limits) is not None
