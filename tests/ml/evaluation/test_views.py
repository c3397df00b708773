"""View sets are read as their views say, and measured against the best single one."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from ml.__main__ import main
from ml.bundle.folder import Bundle
from ml.data.isic import read_isic
from ml.errors import UserError
from ml.evaluation import views
from ml.evaluation.observe import Observer, from_file
from ml.evaluation.views import FRACTIONS, Judged, ViewSet, choose_single, subtract
from ml.metrics.estimate import Estimate
from ml.reports import views as document
from ml.serve.predictor import Predictor
from tests.ml.tiny_isic import write_tiny_isic


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("views") / "data", per_class={"4": 3})


def make_judged(accuracy: float, loss: float, milliseconds: float) -> Judged:
    plain = {"balanced_accuracy": accuracy, "log_loss": loss, "malignancy_auc": 0.9}
    spread = np.linspace(-0.01, 0.01, 41)
    return Judged(
        798,
        {name: np.array([value]) for name, value in plain.items()},
        {name: value + spread for name, value in plain.items()},
        milliseconds,
    )


def test_the_logits_are_those_of_the_bundles_own_reading_where_its_size_is_read(bundle: Bundle, data: Path) -> None:
    records = read_isic(data).records[:3]
    own = Observer(Predictor(bundle, "onnx"), progress=False).observe([from_file(each.path) for each in records], "own")
    logits = views.read_views(bundle, bundle.manifest.input.size, records, mirrored=True, kept=None, progress=False)
    assert logits.shape == (3, 2 * len(FRACTIONS), 7)
    columns = [FRACTIONS.index(view.fraction) for view in bundle.manifest.input.views]
    assert np.abs(logits[:, columns] - np.stack([each.logits for each in own])).max() < 1e-4
    assert np.abs(logits[:, : len(FRACTIONS)] - logits[:, len(FRACTIONS) :]).max() > 1e-3, "mirror images differ"


def test_every_size_part_and_pair_is_listed_once_and_mirrored_at_the_bundles_own_size(bundle: Bundle) -> None:
    own = bundle.manifest.input.size
    sets = views.list_view_sets(bundle, (224, own))
    of_each_size = len(FRACTIONS) + len(list(combinations(FRACTIONS, 2)))
    assert len(set(sets)) == len(sets) == 3 * of_each_size
    assert {each.size for each in sets if each.mirrored} == {own}


def test_the_best_single_view_has_the_least_loss() -> None:
    one, other, pair = ViewSet(224, (0.9,)), ViewSet(320, (0.7,)), ViewSet(320, (0.9, 0.7))
    judged = {one: make_judged(0.8, 0.5, 10), other: make_judged(0.7, 0.4, 20), pair: make_judged(0.9, 0.3, 40)}
    assert choose_single(judged) == other


def test_a_difference_is_paired() -> None:
    difference = subtract(make_judged(0.81, 0.4, 10), make_judged(0.8, 0.4, 10), "balanced_accuracy")
    assert difference == Estimate(0.01, 0.01, 0.01, 798, "bootstrap over lesions")


def test_the_document_tells_gains_for_each_millisecond_and_what_is_noise(bundle: Bundle) -> None:
    given = bundle.manifest.input
    single, shipped = ViewSet(320, (0.7,)), ViewSet(given.size, tuple(view.fraction for view in given.views))
    judged = {single: make_judged(0.8, 0.4, 20), shipped: make_judged(0.82, 0.38, 40)}
    text = document.render_views(bundle, judged, 798, 596)
    assert "**320 px, 70%**" in text
    assert "| 40.0 | +0.020 [+0.020, +0.020] | -0.020 [-0.020, -0.020] | +1.00 | +1.00 |" in text
    assert "Balanced accuracy: of 1 sets 1 are better than the best single view" in text
    assert "The cheapest set that is not worse than what ships by more than its interval: 320 px, 90% and 70%" in text
    assert "Log loss: of 1 sets 0 are better than what ships by more than their interval, 1 worse" in text


def test_a_size_that_cannot_be_read_is_refused_before_anything_is(bundle: Bundle) -> None:
    with pytest.raises(UserError, match="multiple of 32"):
        views.judge_all(bundle, [], (320, 300), kept=None, repeats=1, progress=False)


def test_the_command_writes_the_document(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(views, "FRACTIONS", (0.9, 0.7))
    monkeypatch.setattr(document, "REPEATS", 1)
    out = tmp_path / "views.md"
    assert main(["views", "--data", str(data), "--sizes", "64", "320", "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert "21 images of\n21 lesions" in text
    assert "## Each view also mirrored" in text
    assert main(["views", "--data", str(data), "--out", str(tmp_path / "none" / "views.md")]) == 2
    assert "cannot be written" in capsys.readouterr().err
