"""The published figures of repeatability, and where the model card tells them."""

import json
from dataclasses import replace

import pytest

from ml.bundle.folder import Bundle
from ml.errors import UserError
from ml.reports.model_card.repeatability import describe_repeatability
from ml.reports.repeatability import RESULTS, measure


def test_a_bundle_without_a_rule_of_pooling_is_refused(bundle: Bundle) -> None:
    without = replace(bundle, manifest=replace(bundle.manifest, pooling=None))
    with pytest.raises(UserError, match="remeasure --pooling"):
        measure(without, {"4": [], "test": []})


def test_the_published_figures_are_of_the_shipped_bundle_and_of_all_its_unseen_lesions(bundle: Bundle) -> None:
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert found["bundle"]["sha256"] == bundle.sha256
    counts = {fold: each["lesions"] for fold, each in found["repeatability"].items()}
    assert {count: counts["fold 4"].get(count, 0) + counts["test fold"].get(count, 0) for count in "234"} == (
        counts["both folds"]
    )
    # 276 lesions have two photographs, 103 three and 7 four; some cannot be assessed.
    assert 360 <= sum(counts["both folds"].values()) <= 386


def test_figures_of_another_version_are_not_told(bundle: Bundle) -> None:
    assert describe_repeatability(bundle.manifest)
    assert not describe_repeatability(replace(bundle.manifest, version="9.9"))
    assert not describe_repeatability(replace(bundle.manifest, pooling=None))
