"""Contact sheets show every tile once."""

from pathlib import Path

import numpy as np
from PIL import Image

from ml.data.duplicates.contact_sheet import CELL, Tile, write_pages


def test_pages_hold_every_tile_with_its_pictures(tmp_path: Path) -> None:
    colours = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (0, 250, 250)]
    tiles = []
    for number, colour in enumerate(colours):
        path = tmp_path / f"{number}.jpg"
        Image.new("RGB", (400, 300), colour).save(path)
        tiles.append(Tile((path, path), (f"tile {number}", "two lines")))
    pages = write_pages(tiles, tmp_path / "sheets", columns=2, rows=2)
    assert [page.name for page in pages] == ["page-001.jpg", "page-002.jpg"]
    areas = [count_pixels(page, colour) for page in pages for colour in colours]
    whole = 2 * CELL[0] * CELL[1]
    assert [round(area / whole, 1) for area in areas] == [1, 1, 1, 1, 0, 0, 0, 0, 0, 1]


def test_pages_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (400, 300)).save(path)
    write_pages([Tile((path,), ("a",))] * 3, tmp_path / "sheets", columns=1, rows=1)
    assert len(write_pages([Tile((path,), ("a",))], tmp_path / "sheets", columns=1, rows=1)) == 1
    assert len(list((tmp_path / "sheets").iterdir())) == 1
    assert write_pages([], tmp_path / "sheets") == []


def count_pixels(page: Path, colour: tuple[int, int, int]) -> int:
    with Image.open(page) as image:
        distance = np.abs(np.asarray(image).astype(int) - colour).max(axis=2)
    return int((distance < 30).sum())
