"""The card's section on the detector's estimates of artefacts."""

import json
from pathlib import Path

import pytest

from ml.bundle.folder import Bundle
from ml.bundle.manifest import DETECTOR_FILE
from ml.reports.model_card import card as model_card
from tests.ml.figures import make_figure


def test_the_card_shows_them_for_the_detector_that_was_measured_and_for_no_other(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = make_figure(0.05, 0.01, 0.15)
    rules = {"flag": {"above": 2.5, "sensitivity": share, "specificity": make_figure(1.0, 0.9, 1.0), "kappa": share}}
    part = {
        "images": 79,
        "positive": 44,
        "auroc": make_figure(0.88, 0.8, 0.95),
        "auroc_of_heuristic": share,
        "rules": rules,
    }
    artefact_probes = {"hair": {"not_fitted_on": part}, "ink": {"not_fitted_on": part | {"positive": 1}}}
    found = {
        "gate_sha256": bundle.manifest.files[DETECTOR_FILE],
        "labelled": 100,
        "fitted_on": ["I"] * 15,
        "heads": artefact_probes,
    }
    path = tmp_path / "heads.json"
    monkeypatch.setattr("ml.reports.model_card.artefact_probes.ARTEFACT_PROBES", path)
    path.write_text(json.dumps(found))
    card = model_card.render_card(bundle.manifest)
    assert "| hair, flag (> 2.5) | 44 of 79 | 0.05 [0.01, 0.15] | 1.00 [0.90, 1.00] |" in card
    assert "**Poor**: the flag of hair is raised in 5 %" in card
    assert "| ink, flag (> 2.5) | 1 of 79 | too few |" in card
    assert "15 of the 100 labelled" in card
    path.write_text(json.dumps(found | {"gate_sha256": "another"}))
    assert "Not measured of this detector" in model_card.render_card(bundle.manifest)
