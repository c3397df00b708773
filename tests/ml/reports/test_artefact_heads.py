"""The gate's estimates of artefacts against labels by eye: κ, what was fitted on apart, and what the card shows."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from ml.__main__ import main
from ml.build.gate import draw_fitting_pictures
from ml.bundle.folder import Bundle
from ml.bundle.manifest import GATE_FILE
from ml.data.artefacts import ARTEFACTS
from ml.data.isic import Record
from ml.errors import UserError
from ml.evaluation.observe import Observer
from ml.reports.artefact_heads import measure_heads, measure_kappa
from ml.reports.model_card import card as model_card
from ml.serve.predictor import Predictor
from tests.ml.pictures import draw_lesion, jpeg
from tests.ml.tiny_isic import write_tiny_isic


def test_kappa_is_scikit_learns_under_weights_too() -> None:
    seen, called = np.array([1, 1, 0, 0, 0], bool), np.array([1, 0, 0, 0, 1], bool)
    weights = np.array([[1, 1, 1, 1, 1], [2, 0, 1, 2, 0], [1, 1, 0, 0, 0]], float)
    ours = measure_kappa(seen, called, weights)
    theirs = [cohen_kappa_score(seen, called, sample_weight=each) for each in weights]
    assert ours == pytest.approx(theirs)
    assert np.isnan(measure_kappa(seen[:2], seen[:2], np.ones((1, 2)))).all()


@pytest.fixture
def labelled(tmp_path: Path) -> tuple[list[Record], pd.DataFrame]:
    """Six pictures; on the last the passes differ, and half show everything."""
    records = []
    for number in range(6):
        path = tmp_path / f"I{number}.jpg"
        path.write_bytes(jpeg(draw_lesion()))
        records.append(Record(path.stem, path, 1, f"L{number}"))
    first = [1, 0, 1, 0, 1, 0]
    passes = {f"{name}_{at}": first if at == 1 else [*first[:5], 1] for name in ARTEFACTS for at in (1, 2)}
    return records, pd.DataFrame({"image": [record.image_id for record in records], **passes})


def test_pictures_of_the_fit_are_named_and_left_out_of_one_part(
    bundle: Bundle, predictor: Predictor, labelled: tuple[list[Record], pd.DataFrame]
) -> None:
    fitted = np.array([True, False, False, False, False, False])
    found = measure_heads(bundle, Observer(predictor, progress=False), *labelled, fitted)
    assert (found["labelled"], found["fitted_on"]) == (6, ["I0"])
    assert found["gate_sha256"] == bundle.manifest.files[GATE_FILE]
    assert set(found["heads"]) == set(ARTEFACTS)
    whole, apart = found["heads"]["hair"]["all"], found["heads"]["hair"]["not_fitted_on"]
    assert [(part["images"], part["positive"]) for part in (whole, apart)] == [(5, 3), (4, 2)]
    # The same picture six times: every pair is a tie.
    assert whole["auroc"] == [0.5, 0.5, 0.5]
    assert set(whole["rules"]) == {"flag", "heuristic_threshold"}
    for name in ("ruler", "ink", "dark_corner"):
        assert set(found["heads"][name]["all"]["rules"]) == {"heuristic_threshold"}, "it raises no flag"


def test_a_bundle_without_a_gate_is_refused(
    bundle: Bundle, predictor: Predictor, labelled: tuple[list[Record], pd.DataFrame]
) -> None:
    without = replace(bundle, manifest=replace(bundle.manifest, gate=None))
    with pytest.raises(UserError, match="has no gate"):
        measure_heads(without, Observer(predictor, progress=False), *labelled, np.zeros(6, bool))


def test_a_labelled_picture_that_is_lacking_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_tiny_isic(tmp_path / "data", per_class={"0": 1})
    assert main(["artefact-heads", "--data", str(data), "--out", str(tmp_path / "found.json")]) == 2
    assert "which is labelled" in capsys.readouterr().err


def test_the_pictures_of_the_fit_are_drawn_alike_every_time() -> None:
    records = [Record(f"I{number}", Path(), 0) for number in range(4000)]
    drawn = draw_fitting_pictures(records)
    assert drawn == draw_fitting_pictures(records)
    assert (len(drawn), drawn) == (1500, sorted(drawn, key=lambda record: int(record.image_id[1:])))


def test_the_card_shows_them_for_the_gate_that_was_measured_and_for_no_other(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = [0.05, 0.01, 0.15]
    rules = {"flag": {"above": 2.5, "sensitivity": share, "specificity": [1.0, 0.9, 1.0], "kappa": share}}
    part = {"images": 79, "positive": 44, "auroc": [0.88, 0.8, 0.95], "auroc_of_heuristic": share, "rules": rules}
    heads = {"hair": {"not_fitted_on": part}, "ink": {"not_fitted_on": part | {"positive": 1}}}
    found = {"gate_sha256": bundle.manifest.files[GATE_FILE], "labelled": 100, "fitted_on": ["I"] * 15, "heads": heads}
    path = tmp_path / "heads.json"
    monkeypatch.setattr("ml.reports.model_card.heads.ARTEFACT_HEADS", path)
    path.write_text(json.dumps(found))
    card = model_card.render(bundle.manifest)
    assert "| hair, flag (> 2.5) | 44 of 79 | 0.05 [0.01, 0.15] | 1.00 [0.90, 1.00] |" in card
    assert "**Poor**: the flag of hair is raised in 5 %" in card
    assert "| ink, flag (> 2.5) | 1 of 79 | too few |" in card
    assert "15 of the 100 labelled" in card
    path.write_text(json.dumps(found | {"gate_sha256": "another"}))
    assert "Not measured of this gate" in model_card.render(bundle.manifest)
