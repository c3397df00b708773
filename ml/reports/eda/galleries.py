"""Figures made of photographs: samples, means, pairs, contact sheets; small WebP and JPEG files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from tqdm import tqdm

from ml.data.pictures import read_pixels
from ml.reports.eda.page import Figure, Image, Section
from ml.taxonomy import CLASSES, LESION_CLASSES

Pixels = npt.NDArray[np.uint8]

SEED = 7
TILE = (160, 120)
GRID = (4, 2)
FOR_MEAN = 300
PER_SHEET, SHEET_COLUMNS = 20, 4
SHEET_TILE, STRIP = (400, 300), 26
NAMES = {each.code: each.name for each in LESION_CLASSES}


def describe_pictures(table: pd.DataFrame, out: Path, numbers: dict[str, Any], *, progress: bool = True) -> Section:
    """Sample grids and mean images by class."""
    return Section(
        "pictures",
        "Samples and mean images",
        "Drawn with a fixed seed, at most one picture of a lesion.",
        [_draw_samples(table, out), _draw_means(table, out, numbers, progress=progress)],
    )


def save_label_sheets(images: Sequence[str], files: Mapping[str, Path], out: Path) -> list[Image]:
    """Contact sheets of the images labelled for artefacts, as compressed JPEG at half size."""
    saved = []
    for number, sheet in enumerate(draw_sheets(images, files), start=1):
        file = f"artefact-sheet-{number}.jpg"
        sheet.resize((sheet.width // 2, sheet.height // 2), Pillow.Resampling.LANCZOS).save(out / file, quality=62)
        saved.append(Image(file, f"Contact sheet {number} of the pictures labelled for artefacts", f"sheet {number}"))
    return saved


def draw_sheets(images: Sequence[str], files: Mapping[str, Path]) -> list[Pillow.Image]:
    """Contact sheets of numbered images, ``PER_SHEET`` each."""
    starts = range(0, len(images), PER_SHEET)
    return [_draw_sheet(images[start : start + PER_SHEET], files) for start in starts]


def _draw_sheet(images: Sequence[str], files: Mapping[str, Path]) -> Pillow.Image:
    rows = -(-len(images) // SHEET_COLUMNS)
    width, height = SHEET_TILE[0] + 4, SHEET_TILE[1] + STRIP
    sheet = Pillow.new("RGB", (SHEET_COLUMNS * width, rows * height), "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=18)
    for index, image in enumerate(images):
        left, top = index % SHEET_COLUMNS * width, index // SHEET_COLUMNS * height
        pen.text((left + 4, top + 2), f"{index + 1}   {image}", fill="black", font=font)
        picture = Pillow.fromarray(read_pixels(files[image]))
        sheet.paste(picture.resize(SHEET_TILE), (left, top + STRIP))
    return sheet


def open_tile(path: Path, size: tuple[int, int] = TILE) -> Pillow.Image:
    """A photograph at the size of a tile."""
    with Pillow.open(path) as picture:
        picture.draft("RGB", (size[0] * 2, size[1] * 2))
        return picture.convert("RGB").resize(size, Pillow.Resampling.LANCZOS)


def save_grid(tiles: Sequence[Pillow.Image], path: Path, *, columns: int) -> None:
    """Tiles of one size in rows, as WebP on a transparent background."""
    width, height = tiles[0].size
    rows = -(-len(tiles) // columns)
    grid = Pillow.new("RGBA", (columns * (width + 4) - 4, rows * (height + 4) - 4))
    for index, tile in enumerate(tiles):
        grid.paste(tile, (index % columns * (width + 4), index // columns * (height + 4)))
    grid.save(path, "WEBP", quality=72, method=6)


def _draw_samples(table: pd.DataFrame, out: Path) -> Figure:
    images = []
    shuffled = table.sample(frac=1, random_state=SEED).drop_duplicates("lesion")
    for code in [code for code in CLASSES if code in set(table["class"])]:
        paths = list(shuffled.loc[shuffled["class"] == code, "path"])[: GRID[0] * GRID[1]]
        file = f"sample-{code.lower()}.webp"
        save_grid([open_tile(path) for path in paths], out / file, columns=GRID[0])
        images.append(Image(file, f"{len(paths)} photographs of {NAMES[code].lower()}", f"{code}: {NAMES[code]}"))
    lightness, redness, yellowness = (
        float(table.groupby("class")[name].std().mean()) for name in ("lightness", "redness", "yellowness")
    )
    return Figure(
        images,
        "Photographs of each class, at random. Within a class pictures differ by a standard deviation of "
        f"{lightness:.0f} in lightness, {redness:.0f} in redness and {yellowness:.0f} in yellowness (CIELAB).",
        "hair, scale bars, vignettes and shifts of colour come with every class: augmentation should span what is seen "
        "here, and not what is not.",
        size="tiles",
    )


def _draw_means(table: pd.DataFrame, out: Path, numbers: dict[str, Any], *, progress: bool) -> Figure:
    images, means = [], {}
    codes = [code for code in CLASSES if code in set(table["class"])]
    for code in tqdm(codes, desc="Averaging pictures", unit="class", disable=not progress):
        its = table[table["class"] == code]
        paths = its["path"].sample(min(FOR_MEAN, len(its)), random_state=SEED)
        means[code] = np.mean([np.asarray(open_tile(path), np.float64) for path in paths], axis=0)
        file = f"mean-{code.lower()}.webp"
        Pillow.fromarray(means[code].round().astype(np.uint8)).save(out / file, "WEBP", quality=85)
        images.append(
            Image(file, f"Mean of {len(paths)} photographs of {NAMES[code].lower()}", f"{code}, {len(paths)} pictures")
        )
    dark = {code: _measure_centring(mean) for code, mean in means.items()}
    numbers["mean_images"] = {"centre_darker_by": dark}
    most, least = (choose(dark, key=dark.__getitem__) for choose in (max, min))
    return Figure(
        images,
        f"Mean of up to {FOR_MEAN} pictures a class: the centre is darker than the border by {dark[least]:.0f} "
        f"({least}) to {dark[most]:.0f} ({most}) of 255 grey levels.",
        "lesions lie in the middle, so a central crop keeps them and flips and turns change nothing that matters; a "
        "lesion at the edge will be new to the network, and moving the crop about teaches it."
        if min(dark.values()) > 0
        else "lesions do not lie in the middle throughout: no central crop should be taken for granted.",
        size="tiles",
    )


def _measure_centring(mean: npt.NDArray[np.float64]) -> float:
    """By how many grey levels the middle third of a mean image (H, W, 3) is darker than the border."""
    grey = mean.mean(axis=2)
    height, width = grey.shape
    middle = grey[height // 3 : -(height // 3), width // 3 : -(width // 3)].mean()
    top = grey[: height // 6, width // 4 : -(width // 4)].mean()
    bottom = grey[-(height // 6) :, width // 4 : -(width // 4)].mean()
    return float((top + bottom) / 2 - middle)
