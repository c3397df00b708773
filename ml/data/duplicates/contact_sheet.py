"""Contact sheets: captioned pages of thumbnails for a person to review."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from ml.data.pictures import read_pixels
from ml.support.disk import make_directory, writing

CELL = (240, 180)
GAP = 4
CAPTION_LINE = 15
COLUMNS = 3
ROWS = 6
QUALITY = 80


@dataclass(frozen=True, slots=True)
class Tile:
    """Image files shown side by side, and the lines below them."""

    paths: tuple[Path, ...]
    caption: tuple[str, ...]


def write_pages(tiles: Sequence[Tile], directory: Path, *, columns: int = COLUMNS, rows: int = ROWS) -> list[Path]:
    """Write ``page-001.jpg`` and so on, of ``columns`` × ``rows`` tiles; pages of an earlier run are removed."""
    make_directory(directory)
    for old in directory.glob("page-*.jpg"):
        old.unlink()
    pages = []
    per_page = columns * rows
    for start in range(0, len(tiles), per_page):
        page = directory / f"page-{start // per_page + 1:03d}.jpg"
        with writing(page):
            draw_page(tiles[start : start + per_page], columns=columns).save(page, "JPEG", quality=QUALITY)
        pages.append(page)
    return pages


def draw_page(tiles: Sequence[Tile], *, columns: int) -> Image.Image:
    """Draw tiles on one page, row by row, all at the size of the largest."""
    pictures = max(len(tile.paths) for tile in tiles)
    lines = max(len(tile.caption) for tile in tiles)
    width = pictures * (CELL[0] + GAP) + GAP
    height = CELL[1] + 2 * GAP + lines * CAPTION_LINE
    used_columns = min(columns, len(tiles))
    page = Image.new("RGB", (used_columns * width, -(-len(tiles) // columns) * height), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(CAPTION_LINE - 3)
    for position, tile in enumerate(tiles):
        left, top = position % columns * width, position // columns * height
        for index, path in enumerate(tile.paths):
            picture = Image.fromarray(read_pixels(path, at_least=CELL[1]))
            page.paste(ImageOps.pad(picture, CELL, color="white"), (left + GAP + index * (CELL[0] + GAP), top + GAP))
        for line, text in enumerate(tile.caption):
            draw.text((left + GAP, top + CELL[1] + GAP + line * CAPTION_LINE), text, "black", font)
    return page
