"""Fitting the detector finds what was put in, and keeps what it fits on apart from what it reports on."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression, Ridge

from ml.build.detector import describe_held_out
from ml.errors import UserError
from ml.evaluation.fit.out_of_distribution import (
    PictureStatistics,
    describe_refusals,
    draw_half,
    fit_detector,
    fit_limits,
    fit_ridge,
    fit_softmax,
    read_other_photographs,
)
from ml.serve.detector import dermoscopy_odds, measure_distance, score_domains
from tests.ml.figures import ends


def test_softmax_regression_is_scikit_learns() -> None:
    generator = np.random.default_rng(1)
    features = generator.normal(size=(300, 5))
    labels = (features @ generator.normal(size=(5, 3)) + generator.gumbel(size=(300, 3))).argmax(axis=1)
    ours = fit_softmax(features, labels, 0.01)
    theirs = LogisticRegression(C=1 / (2 * 0.01 * 300), tol=1e-8, max_iter=5000).fit(features, labels)
    difference = ours[:, 1:] - ours[:, 1:].mean(axis=0)
    assert difference == pytest.approx(theirs.coef_ - theirs.coef_.mean(axis=0), abs=2e-3)


def test_ridge_regression_is_scikit_learns() -> None:
    generator = np.random.default_rng(2)
    features, values = generator.normal(size=(80, 6)), generator.normal(size=(80, 2))
    ours, theirs = fit_ridge(features, values, 3.0), Ridge(alpha=3.0).fit(features, values)
    assert ours[:, 0] == pytest.approx(theirs.intercept_)
    assert ours[:, 1:] == pytest.approx(theirs.coef_)


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    """Three clouds of statistics; a fourth that no fit sees lies off in a direction of its own."""
    generator = np.random.default_rng(3)
    clouds = {
        name: generator.normal(0, 1, (400, 8)) for name in ("own", "clinical_photograph", "not_skin_lesion", "far")
    }
    clouds["clinical_photograph"][:, 0] += 9
    clouds["not_skin_lesion"][:, 1] += 9
    clouds["far"][:, 7] += 40
    return clouds


def test_the_detector_refuses_other_domains_and_what_lies_far_off(drawn: dict[str, np.ndarray]) -> None:
    others = {name: drawn[name] for name in ("clinical_photograph", "not_skin_lesion")}
    arrays = fit_detector(drawn["own"], others, drawn["own"], np.abs(drawn["own"][:, :6]))
    unseen = np.random.default_rng(4).normal(0, 1, (1000, 8))
    spec = fit_limits(arrays, unseen, "unseen")

    def refused(cloud: np.ndarray) -> float:
        odds = dermoscopy_odds(score_domains(cloud, arrays))
        far = measure_distance(cloud, arrays) > spec.distance_to
        return float(((odds < spec.dermoscopy_from) | far).mean())

    assert refused(unseen) <= 0.0125
    assert min(refused(drawn[name]) for name in ("clinical_photograph", "not_skin_lesion", "far")) > 0.99
    far = PictureStatistics(drawn["far"], [str(number // 4) for number in range(400)])
    own = PictureStatistics(unseen, [f"own {number}" for number in range(1000)])
    report = describe_refusals(far, ["unlike_training"] * 399 + [None], own, arrays)
    assert (report["images"], report["refused"]["value"], report["reasons"]) == (400, 0.9975, {"unlike_training": 399})
    # Four pictures of each of a hundred lesions: as wide as for a hundred.
    assert (report["groups"], report["refused"]["low"] < 0.97) == (100, True)
    area, low, high = ends(report["auroc"]["distance"])
    assert low is not None
    assert high is not None
    assert area is not None
    assert low <= area <= high
    assert area > 0.999
    assert (report["refused"]["n"], report["auroc"]["distance"]["n"]) == (400, 1400)


def test_a_class_left_out_of_the_fit_is_told_with_its_number_and_intervals(drawn: dict[str, np.ndarray]) -> None:
    others = {name: drawn[name] for name in ("clinical_photograph", "not_skin_lesion")}
    arrays = fit_detector(drawn["own"], others, drawn["own"], np.abs(drawn["own"][:, :6]))
    plain = np.concatenate((drawn["own"], drawn["far"][:20]))
    found = describe_held_out(arrays, plain, np.arange(420) < 400, [f"lesion {number}" for number in range(420)])
    assert found["images"] == found["refused_as_unlike"]["n"] == 20
    # Wilson's lower end for 20 of 20.
    assert ends(found["refused_as_unlike"]) == [1.0, 0.8389, 1.0]
    assert ends(found["auroc_distance"]) == [1.0, 1.0, 1.0]


def test_a_half_takes_whole_groups() -> None:
    groups = [f"P{number // 3}" for number in range(90)]
    half = draw_half(groups)
    assert 43 <= half.sum() <= 47
    assert all(len({bool(half[place]) for place in range(start, start + 3)}) == 1 for start in range(0, 90, 3))
    assert np.array_equal(half, draw_half(groups))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    clinical, everyday = tmp_path / "clinical", tmp_path / "everyday"
    (clinical / "images").mkdir(parents=True)
    everyday.mkdir()
    rows = []
    for number in range(12):
        Image.new("RGB", (8, 8)).save(clinical / "images" / f"PAT_{number}.png")
        Image.new("RGB", (8, 8)).save(everyday / f"{number}.jpg")
        rows.append({"image": f"PAT_{number}.png", "patient_id": f"P{number // 2}", "fitzpatrick": "2.0"})
    with (clinical / "metadata.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return clinical, everyday


def test_no_patient_is_in_both_halves(folders: tuple[Path, Path]) -> None:
    others = read_other_photographs(*folders)
    patients = [
        {others.clinical_rows[path.stem]["patient_id"] for path in half}
        for half in (others.clinical.fitting, others.clinical.reporting)
    ]
    assert not patients[0] & patients[1]
    assert [len(others.everyday.fitting), len(others.everyday.reporting)] == [6, 6]


def test_metadata_are_read_as_other_tables_are(folders: tuple[Path, Path]) -> None:
    path = folders[0] / "metadata.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text("\ufeff" + text.replace(",", ";"), encoding="utf-8")
    assert read_other_photographs(*folders).clinical_rows["PAT_3"]["patient_id"] == "P1"
    path.write_bytes(text.replace("P1", "P\xe9").encode("latin-1"))
    with pytest.raises(UserError, match=r"metadata\.csv: cannot be read as CSV"):
        read_other_photographs(*folders)


def test_a_photograph_without_metadata_is_named(folders: tuple[Path, Path]) -> None:
    Image.new("RGB", (8, 8)).save(folders[0] / "images" / "PAT_99.png")
    with pytest.raises(UserError, match=r"metadata\.csv: no row for PAT_99"):
        read_other_photographs(*folders)
    (folders[0] / "metadata.csv").unlink()
    with pytest.raises(UserError, match="PAD-UFES-20's layout"):
        read_other_photographs(*folders)
