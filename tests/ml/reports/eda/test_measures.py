"""Measures are kept, and taken anew of what changed."""

import inspect
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.data.isic import Record
from ml.errors import UserError
from ml.reports.eda import measures
from tests.ml.pictures import draw_lesion


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    made = []
    for name in ("a", "b", "c"):
        draw_lesion().save(tmp_path / f"{name}.jpg", quality=90)
        made.append(Record(name, tmp_path / f"{name}.jpg", 0))
    return made


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the pictures that are measured from now on."""
    names: list[str] = []
    measure = measures.measure_picture

    def note(record: Record, mask: Path | None) -> dict[str, float | str]:
        names.append(record.image_id)
        return measure(record, mask)

    # The cache is named after the source of what measures.
    monkeypatch.setattr(inspect, "getsource", lambda each: each.__name__)
    monkeypatch.setattr(measures, "measure_picture", note)
    return names


def test_a_second_run_measures_nothing_and_gives_the_same(
    records: list[Record], measured: list[str], tmp_path: Path
) -> None:
    first = measures.measure_all(records, {}, tmp_path / "cache", progress=False)
    assert sorted(measured) == ["a", "b", "c"]
    second = measures.measure_all(records[::-1], {}, tmp_path / "cache", progress=False)
    assert sorted(measured) == ["a", "b", "c"]
    assert list(second["image"]) == ["c", "b", "a"]
    assert second[::-1].reset_index(drop=True).equals(first)


def test_a_changed_picture_is_measured_anew(records: list[Record], measured: list[str], tmp_path: Path) -> None:
    before = measures.measure_all(records, {}, tmp_path / "cache", progress=False)
    Image.new("RGB", (320, 240), (0, 0, 0)).save(records[1].path)
    os.utime(records[1].path, (1, 1))
    measured.clear()
    after = measures.measure_all(records, {}, tmp_path / "cache", progress=False)
    assert measured == ["b"]
    assert after.loc[1, "lightness"] == 0 < before.loc[1, "lightness"]


def test_a_line_that_a_kill_cut_short_is_measured_anew(
    records: list[Record], measured: list[str], tmp_path: Path
) -> None:
    whole = measures.measure_all(records, {}, tmp_path / "cache", progress=False)
    (cache,) = (tmp_path / "cache").glob("*.csv")
    cache.write_text(cache.read_text()[:-25])
    measured.clear()
    assert measures.measure_all(records, {}, tmp_path / "cache", progress=False).equals(whole)
    assert measured == ["c"]


def test_without_a_mask_there_is_no_area_and_with_one_there_is(records: list[Record], tmp_path: Path) -> None:
    mask = tmp_path / "a_segmentation.png"
    pixels = np.zeros((240, 320), np.uint8)
    pixels[60:180, 80:240] = 255
    Image.fromarray(pixels).save(mask)
    rows = measures.measure_all(records, {"a": mask}, tmp_path / "cache", progress=False)
    assert rows.loc[0, "area"] == pytest.approx(0.25)
    assert np.isnan(rows.loc[1, "area"])


def test_a_damaged_picture_or_mask_is_named(records: list[Record], tmp_path: Path) -> None:
    mask = tmp_path / "a_segmentation.png"
    Image.new("L", (10, 10)).save(mask)
    with pytest.raises(UserError, match=r"a_segmentation\.png: is no mask"):
        measures.measure_all(records, {"a": mask}, tmp_path / "cache", progress=False)
    records[2].path.write_bytes(records[2].path.read_bytes()[:300])
    with pytest.raises(UserError, match=r"c\.jpg: The image file is cut off or damaged"):
        measures.measure_all(records, {}, tmp_path / "cache", progress=False)
