"""The error report tells a model's errors with pictures, and never looks at the test fold."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.__main__ import main
from ml.bundle.folder import DEFAULT_BUNDLE
from ml.data.split import read_split
from ml.errors import UserError
from ml.reports.errors.noisy_labels import cross_validate_features, find_candidates
from ml.reports.errors.report import report
from ml.reports.errors.sources import Sources
from ml.taxonomy import CLASSES
from tests.ml.pipelines.study.folders import write_study_folder
from tests.ml.pipelines.study.test_plan import BASE, PLAN
from tests.ml.tiny_isic import write_tiny_isic


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study model's report on tiny images."""
    place = tmp_path_factory.mktemp("study")
    data = write_tiny_isic(place / "isic", per_class={"0": 1, "3": 5, "4": 1, "test": 2})
    (place / "base.yaml").write_text(BASE)
    (place / "study.yaml").write_text(PLAN)
    write_study_folder(place / "model", data, skill=1.0)
    report(make_sources(place, run=place / "model"), progress=False)
    return place


def make_sources(place: Path, **changes: Any) -> Sources:
    paths = {"cache": place / "cache", "results": place, "plan": place / "study.yaml", "out": place / "errors"}
    return Sources(place / "isic", **(paths | changes))


@pytest.fixture
def figures(place: Path) -> dict[str, Any]:
    return dict(json.loads((place / "errors" / "errors.json").read_text()))


@pytest.fixture
def page(place: Path) -> str:
    return (place / "errors" / "index.html").read_text(encoding="utf-8")


def test_every_choosing_image_is_counted_once(figures: dict[str, Any]) -> None:
    assert (figures["model"], figures["images"]) == ("model", 35)
    assert sum(map(sum, figures["confusion"])) == 35
    assert figures["malignant"] == 15
    assert sum(part["images"] for part in figures["parts"]["sex"].values()) == 35


def test_no_image_of_the_test_fold_is_in_the_report(figures: dict[str, Any], page: str) -> None:
    folds = read_split().fold_of
    named = set(re.findall(r"ISIC_\d{7}", page + json.dumps(figures)))
    assert named
    assert {folds[name] for name in named} == {"3"}


def test_the_page_shows_its_pictures_their_licence_and_every_part(place: Path, page: str) -> None:
    shown = set(re.findall(r'src="(pictures/\w+\.webp)"', page))
    assert 0 < len(shown) <= 40
    assert {f"pictures/{path.name}" for path in (place / "errors" / "pictures").iterdir()} == shown
    assert "CC BY-NC 4.0" in page
    for name in ("confusion", "mistakes", "missed", "by-sex", "by-age", "by-confirmation", "labels"):
        assert f'id="{name}"' in page
    assert sum(path.stat().st_size for path in (place / "errors").rglob("*") if path.is_file()) < 1_500_000


def test_the_summary_tells_the_numbers(figures: dict[str, Any]) -> None:
    assert f"{figures['wrong']} of 35 images" in figures["summary"]
    truth, decided, number, _ = figures["confusions"][0]
    assert f"{truth} taken for {decided}, {number} images" in figures["summary"]
    assert "no label was changed" in figures["summary"]


def test_a_bundle_is_reviewed_on_a_fold_that_it_has_not_seen(place: Path, tmp_path: Path) -> None:
    report(make_sources(place, bundle=DEFAULT_BUNDLE, out=tmp_path), progress=False)
    figures = json.loads((tmp_path / "errors.json").read_text())
    assert (figures["on"], figures["images"]) == ("fold 4", 7)


def test_the_test_fold_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["errors", "--data", str(place / "isic"), "--fold", "test"]) == 2
    assert "never the test fold" in capsys.readouterr().err


def test_a_wrong_label_is_doubted_first() -> None:
    random = np.random.default_rng(3)
    labels = np.repeat(np.arange(7), 20)
    probabilities = 0.9 * np.eye(7)[labels] + 0.1 * random.dirichlet(np.ones(7), len(labels))
    probabilities[0] = 0.97 * np.eye(7)[0] + 0.03 / 7
    given = labels.copy()
    given[0] = CLASSES.index("NV")
    names = tuple(f"I{place}" for place in range(len(labels)))
    candidates = find_candidates(names, given, probabilities)
    assert (candidates[0].name, candidates[0].given, candidates[0].likely) == ("I0", "NV", "MEL")
    assert len(candidates) == 1


def test_frozen_features_of_too_few_images_cannot_doubt(place: Path, tmp_path: Path) -> None:
    config = tmp_path / "probe.yaml"
    config.write_text(
        "kind: probe\nfeatures: {kind: handcrafted}\nclassifier: logistic\ncosts: [0.1]\ntrain_folds: ['4']\n"
        "choose_fold: '0'\n"
    )
    with pytest.raises(UserError, match="a class has 2 images"):
        cross_validate_features(place / "isic", config, None, tmp_path, progress=False)
