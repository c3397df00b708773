"""An evaluation reads images as uploads are read, and accounts for every one."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from isic_challenge_scoring.classification import ClassificationMetric, ClassificationScore
from PIL import Image

from ml.bundle.folder import Bundle
from ml.data.split import read_split
from ml.errors import UserError
from ml.evaluation.evaluate import evaluate_bundle, read_photograph
from ml.evaluation.observe import ANY_SIZE
from ml.evaluation.report import Report
from ml.serve.image_io import normalise_upload
from ml.serve.predictor import Predictor
from ml.taxonomy import CLASSES
from tests.ml import pictures

ROWS = 101
WITHDRAWN = "ISIC_0035068"
SAMPLE = Path(__file__).parents[3] / "classifier" / "samples" / "photographs" / "ISIC_0024925.jpg"


def write_truth(path: Path, labels: dict[str, int]) -> Path:
    with path.open("w", newline="") as file:
        rows = ((name, *np.eye(7)[label]) for name, label in labels.items())
        csv.writer(file).writerows([("image", *CLASSES), *rows])
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred small pictures of three formats, 101 labels: the withdrawn image has none."""
    path = tmp_path_factory.mktemp("set")
    (path / "images").mkdir()
    generator = np.random.default_rng(5)
    labels = {f"IMG_{number:04d}": number % 7 for number in range(ROWS - 1)}
    for number, name in enumerate(labels):
        kind = ("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "WebP")
        file_format, suffix = kind[number % 3]
        picture = pictures.draw_lesion(96, 72)
        picture.putpixel((number % 96, 5), tuple(generator.integers(0, 256, 3).tolist()))
        (path / "images" / f"{name}.{suffix}").write_bytes(pictures.save(picture, file_format))
    write_truth(path / "Set_GroundTruth.csv", labels | {WITHDRAWN: 1})
    groupings = "".join(f"{name},L{number // 2}\n" for number, name in enumerate(labels))
    (path / "Set_LesionGroupings.csv").write_text("image,lesion_id\n" + groupings)
    return path


@pytest.fixture(scope="module")
def report(bundle: Bundle, folder: Path) -> Report:
    return evaluate_bundle(
        bundle,
        folder / "images",
        folder / "Set_GroundTruth.csv",
        predictions_csv=folder / "predictions.csv",
        progress=False,
    ).report


def test_every_image_is_scored_and_the_missing_one_named_without_weight(report: Report) -> None:
    assert report.images == ROWS - 1
    assert report.missing == (WITHDRAWN,)
    assert report.confusion.sum() == ROWS - 1


def test_lesions_are_found_beside_the_truth(report: Report) -> None:
    assert report.lesions == 50
    assert "of 50 lesions; the intervals are by bootstrap over lesions" in report.to_text()


def test_balanced_accuracy_equals_the_official_scorers_on_the_submission(report: Report, folder: Path) -> None:
    official = ClassificationScore.from_file(
        folder / "Set_GroundTruth.csv", folder / "predictions.csv", ClassificationMetric.BALANCED_ACCURACY
    )
    assert report.values["balanced_accuracy"] == pytest.approx(official.overall, abs=1e-12)


def test_the_submission_holds_every_row_of_the_truth(report: Report, folder: Path) -> None:
    with (folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image", *CLASSES]
    assert [row["image"] for row in rows][-1] == WITHDRAWN
    assert len(rows) == ROWS
    assert all(sum(float(row[code]) for code in CLASSES) == pytest.approx(1) for row in rows)


def test_the_report_is_plain_json_and_text(report: Report) -> None:
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    metric = plain["metrics"]["balanced_accuracy"]
    assert metric["low"] <= metric["value"] <= metric["high"]
    assert "balanced_accuracy_without_shown_again" not in plain["metrics"]
    assert sum(entry["images"] for entry in plain["per_class"].values()) == ROWS - 1
    text = report.to_text()
    assert "balanced accuracy" in text
    assert WITHDRAWN in text


@pytest.mark.parametrize("kind", list(pictures.ACCEPTED))
def test_a_file_gets_exactly_the_logits_of_an_upload(predictor: Predictor, kind: str, tmp_path: Path) -> None:
    data = pictures.ACCEPTED[kind]()
    path = tmp_path / "photograph"
    path.write_bytes(data)
    uploaded = predictor.read(normalise_upload(data).data)
    assert np.array_equal(read_photograph(predictor, path, limits=ANY_SIZE).logits, uploaded.logits)


def test_the_submission_has_exactly_the_scores_of_uploads(bundle: Bundle, predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    uploads = {name.replace(" ", "_"): make() for name, make in pictures.ACCEPTED.items()}
    for name, data in uploads.items():
        (tmp_path / "images" / f"{name}.tif").write_bytes(data)
    truth = write_truth(tmp_path / "truth.csv", dict.fromkeys(uploads, 1))
    evaluate_bundle(
        bundle, tmp_path / "images", truth, predictions_csv=tmp_path / "scores.csv", progress=False, runtime="onnx"
    )
    with (tmp_path / "scores.csv").open() as file:
        for row in csv.DictReader(file):
            expected = predictor.read(normalise_upload(uploads[row["image"]]).data).balanced_scores
            assert [float(row[code]) for code in CLASSES] == expected.tolist(), row["image"]


def test_turned_photographs_are_read_alike(predictor: Predictor) -> None:
    upright, *turned = (
        predictor.read(normalise_upload(pictures.ACCEPTED[f"exif {number}"]()).data) for number in range(1, 9)
    )
    for reading in turned:
        assert np.abs(reading.probabilities - upright.probabilities).max() < 0.02


def test_over_one_percent_missing_is_an_error(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    truth = write_truth(tmp_path / "truth.csv", {"IMG_0000": 0, "GONE": 1})
    with pytest.raises(UserError, match=r"1 of 2 labelled images are missing \(GONE"):
        evaluate_bundle(bundle, folder / "images", truth, progress=False)


def test_a_damaged_image_is_named(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "BAD.jpg").write_bytes(pictures.jpeg()[:3000])
    truth = write_truth(tmp_path / "truth.csv", {"BAD": 0})
    with pytest.raises(UserError, match=r"BAD\.jpg: .*damaged"):
        evaluate_bundle(bundle, tmp_path, truth, progress=False)


def test_an_image_found_twice_is_named(bundle: Bundle, tmp_path: Path) -> None:
    for suffix in ("jpg", "png"):
        (tmp_path / f"TWICE.{suffix}").write_bytes(pictures.jpeg())
    truth = write_truth(tmp_path / "truth.csv", {"TWICE": 0})
    with pytest.raises(UserError, match="TWICE occurs twice"):
        evaluate_bundle(bundle, tmp_path, truth, progress=False)


def test_what_is_not_assessable_is_scored_all_the_same(bundle: Bundle, tmp_path: Path) -> None:
    blank = Image.new("RGB", (300, 300))
    (tmp_path / "BLANK.png").write_bytes(pictures.save(blank, "PNG"))
    (tmp_path / "GOOD.jpg").write_bytes(SAMPLE.read_bytes())
    truth = write_truth(tmp_path / "truth.csv", {"BLANK": 0, "GOOD": 1})
    report = evaluate_bundle(bundle, tmp_path, truth, progress=False).report
    assert report.not_assessable == ("BLANK",)
    assert report.images == 2


def test_lesions_that_are_not_known_are_not_counted(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "ALONE.jpg").write_bytes(pictures.jpeg())
    report = evaluate_bundle(bundle, tmp_path, write_truth(tmp_path / "truth.csv", {"ALONE": 1}), progress=False).report
    assert report.to_dict()["lesions"] is None
    assert "1 images; lesions are not known, the intervals are by bootstrap over images" in report.to_text()


@pytest.fixture
def two_folds(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    for name in ("A", "B"):
        (tmp_path / f"{name}.jpg").write_bytes(pictures.jpeg())
    write_truth(tmp_path / "truth.csv", {"A": 0, "B": 1})
    return tmp_path, {"A": "test", "B": "4"}


def test_reading_the_test_fold_needs_a_reason_and_leaves_a_line(
    bundle: Bundle, two_folds: tuple[Path, dict[str, str]]
) -> None:
    folder, split = two_folds
    truth, log = folder / "truth.csv", folder / "log.csv"
    for no_reason in (None, " "):
        with pytest.raises(UserError, match="--why"):
            evaluate_bundle(bundle, folder, truth, fold="test", split=split, why=no_reason, progress=False, log=log)
    with pytest.raises(UserError, match=r"holds \d images of the test fold and \d others; give --fold test"):
        evaluate_bundle(bundle, folder, truth, split=split, why="all of it", progress=False, log=log)
    assert not log.exists()
    for why in ("first", "second, with a comma"):
        report = evaluate_bundle(
            bundle, folder, truth, fold="test", split=split, why=why, progress=False, log=log
        ).report
        assert report.images == 1
    with log.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["why"] for row in rows] == ["first", "second, with a comma"]
    assert {row["bundle_sha256"] for row in rows} == {bundle.sha256}


def test_balanced_accuracy_is_also_told_without_lesions_that_other_folds_show(
    bundle: Bundle, predictor: Predictor, tmp_path: Path
) -> None:
    again = min(read_split().shown_again)
    photograph = pictures.jpeg()
    right = int(predictor.read(normalise_upload(photograph).data).balanced_scores.argmax())
    for name in (again, "NEW"):
        (tmp_path / f"{name}.jpg").write_bytes(photograph)
    truth = write_truth(tmp_path / "truth.csv", {again: right, "NEW": (right + 1) % 7})
    report = evaluate_bundle(bundle, tmp_path, truth, split={}, progress=False).report
    assert report.shown_again == (again,)
    assert report.values["balanced_accuracy"] == 0.5
    assert report.values["balanced_accuracy_without_shown_again"] == 0
    assert "balanced accuracy, lesions shown again left out" in report.to_text()
    assert "balanced_accuracy_without_shown_again" in report.to_dict()["metrics"]


def test_the_test_fold_is_not_read_where_its_log_cannot_be_written(
    bundle: Bundle, two_folds: tuple[Path, dict[str, str]]
) -> None:
    folder, split = two_folds
    (folder / "A.jpg").write_bytes(b"would be the error if it were read")
    scores = folder / "scores.csv"
    with pytest.raises(UserError, match=r"log\.csv: cannot be written"):
        evaluate_bundle(
            bundle,
            folder,
            folder / "truth.csv",
            fold="test",
            split=split,
            why="figures",
            predictions_csv=scores,
            progress=False,
            log=folder / "nowhere" / "log.csv",
        )
    assert not scores.exists()


def test_an_empty_directory_of_images_is_told(bundle: Bundle, tmp_path: Path) -> None:
    truth = write_truth(tmp_path / "truth.csv", {"A": 0})
    with pytest.raises(UserError, match=r"holds no image \(\.jpg"):
        evaluate_bundle(bundle, tmp_path, truth, progress=False)


def test_another_fold_leaves_no_line(bundle: Bundle, two_folds: tuple[Path, dict[str, str]]) -> None:
    folder, split = two_folds
    log = folder / "log.csv"
    report = evaluate_bundle(
        bundle, folder, folder / "truth.csv", fold="4", split=split, progress=False, log=log
    ).report
    assert report.images == 1
    assert not log.exists()


def test_a_fold_that_the_truth_has_nothing_of_is_told(bundle: Bundle, two_folds: tuple[Path, dict[str, str]]) -> None:
    folder, split = two_folds
    with pytest.raises(UserError, match="no image of fold 2"):
        evaluate_bundle(bundle, folder, folder / "truth.csv", fold="2", split=split, progress=False)
