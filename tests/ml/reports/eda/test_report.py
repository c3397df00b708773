"""The page of a tiny data set, whole."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ml.data.split import read_split
from ml.errors import UserError
from ml.reports.eda import charts
from ml.reports.eda.report import write_report
from ml.taxonomy import CLASSES
from tests.ml.tiny_isic import write_rows, write_tiny_isic

IMAGE = re.compile(r'<img src="([^"]+)" alt="([^"]*)"')


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures of each class for training, one for the test fold; metadata and masks of all."""
    directory = write_tiny_isic(tmp_path_factory.mktemp("isic"), per_class={"0": 2, "test": 1})
    images = sorted((directory / "ISIC2018_Task3_Training_Input").iterdir())
    (directory / "HAM10000_segmentations").mkdir()
    rows = []
    for index, path in enumerate(images):
        mask = Image.new("L", (320, 240))
        mask.paste(255, (60 + index, 60, 200, 180))
        mask.save(directory / "HAM10000_segmentations" / f"{path.stem}_segmentation.png")
        sex, site = ("male", "female")[index % 2], ("back", "face", "unknown")[index % 3]
        rows.append((f"HAM_{path.stem[-7:]}", path.stem, "nv", "histo", 40 + index if index else "", sex, site))
    header = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
    write_rows(directory / "HAM10000_metadata.csv", header, rows)
    return directory


@pytest.fixture(scope="module")
def page(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(data, tmp_path_factory.mktemp("eda"), progress=False)


@pytest.fixture(scope="module")
def numbers(page: Path) -> Any:
    return json.loads((page.parent / "numbers.json").read_text())


def test_every_image_is_there_and_has_a_text(page: Path) -> None:
    images = IMAGE.findall(page.read_text())
    assert len(images) > 30
    for file, alt in images:
        assert (page.parent / file).stat().st_size > 0
        assert len(alt) > 10


def test_every_figure_says_what_it_means_for_a_model(page: Path) -> None:
    text = page.read_text()
    assert text.count("<figure") == text.count("For the model:") > 15


def test_the_page_loads_nothing_from_elsewhere(page: Path) -> None:
    assert not re.search(r'(src|href)="(https?:)?//', page.read_text())
    assert "<script" not in page.read_text()


def test_counts_leave_the_test_fold_out(numbers: Any) -> None:
    assert numbers["classes"] == {"pictures": dict.fromkeys(CLASSES, 2), "lesions": dict.fromkeys(CLASSES, 2)}
    assert numbers["in_test_fold"] == len(CLASSES)


def test_labels_of_the_test_fold_change_nothing(data: Path, page: Path, numbers: Any, tmp_path: Path) -> None:
    other = tmp_path / "isic"
    other.mkdir()
    for path in data.iterdir():
        (other / path.name).symlink_to(path)
    truth = other / "ISIC2018_Task3_Training_GroundTruth.csv"
    with truth.open(newline="") as file:
        header, *rows = csv.reader(file)
    truth.unlink()
    folds = read_split().fold_of
    rows = [[row[0], *(row[2:] + row[1:2] if folds[row[0]] == "test" else row[1:])] for row in rows]
    write_rows(truth, header, rows)
    again = write_report(other, tmp_path / "eda", progress=False)
    assert json.loads((again.parent / "numbers.json").read_text()) == numbers
    assert again.read_text() == page.read_text()
    assert (again.parent / "age.svg").read_bytes() == (page.parent / "age.svg").read_bytes()


def test_what_the_data_do_not_tell_is_said(tmp_path: Path) -> None:
    bare = write_tiny_isic(tmp_path / "isic", per_class={"0": 1})
    (bare / "ISIC2018_Task3_Training_LesionGroupings.csv").unlink()
    text = write_report(bare, tmp_path / "eda", progress=False).read_text()
    assert "Not told in these data: age, sex, site, confirmation" in text
    assert "no masks" in text
    assert "The labelled pictures are not in these data" in text


def test_pictures_of_the_test_fold_alone_are_refused(tmp_path: Path) -> None:
    alone = write_tiny_isic(tmp_path / "isic", per_class={"test": 1})
    with pytest.raises(UserError, match="contains only the test fold"):
        write_report(alone, tmp_path / "eda", progress=False)


def test_charts_take_the_readers_colour(tmp_path: Path) -> None:
    with charts.draw_chart(tmp_path / "chart.svg") as axes:
        axes.set(xlabel="years")
    drawn = (tmp_path / "chart.svg").read_text()
    assert charts.INK not in drawn
    assert "currentColor" in drawn
    assert "prefers-color-scheme:dark" in drawn
