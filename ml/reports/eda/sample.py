"""The pictures on which the heuristics for artefacts are checked by eye: how they are drawn, and their contact sheets.

``python -m ml draw-sample --data DIR --out DIR`` draws them anew from the scores as they are now. Those whose
labels are committed were drawn so from the scores of a first version of the heuristics.

Half is a simple random sample. The other half is drawn from the highest scores of each artefact, since one picture in
a hundred shows ink; so shares of the whole are read from the random half alone.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from ml.data.isic import read_isic
from ml.data.pictures import read_pixels
from ml.data.split import read_split
from ml.reports.eda.measures import find_masks, measure_all

SEED = 20180
AT_RANDOM = 50
ENRICHED = {"hair": (8, 0.10), "ruler": (16, 0.03), "ink": (16, 0.02), "dark_corner": (10, 0.10)}
"""By artefact: how many pictures, and from which share of the highest scores."""

FOLDS = ("0", "1", "2", "3")
PER_SHEET, COLUMNS = 20, 4
TILE, STRIP = (400, 300), 26


def draw_sample(scores: pd.DataFrame, groups: Mapping[str, str], *, seed: int = SEED) -> pd.DataFrame:
    """Draw pictures of different lesions from ``scores`` (columns image and the artefacts).

    Gives image and drawn_by (``random``, or the artefact for whose high score it was drawn), in random order.
    """
    random = np.random.default_rng(seed)
    pools = {"random": (AT_RANDOM, np.arange(len(scores)))}
    for artefact, (count, share) in ENRICHED.items():
        pool = np.argsort(-scores[artefact].to_numpy(), kind="stable")[: max(count, round(share * len(scores)))]
        pools[artefact] = (count, pool)
    drawn: dict[int, str] = {}
    taken: set[str] = set()
    for name, (count, pool) in pools.items():
        wanted = len(drawn) + count
        for place in random.permutation(pool):
            group = groups[scores["image"].iloc[place]]
            if len(drawn) < wanted and group not in taken:
                drawn[int(place)] = name
                taken.add(group)
    places = random.permutation(list(drawn))
    images = scores["image"].to_numpy()[places]
    return pd.DataFrame({"image": images, "drawn_by": [drawn[place] for place in places]})


def draw_sheets(images: Sequence[str], files: Mapping[str, Path]) -> list[Image.Image]:
    """Contact sheets of numbered pictures, ``PER_SHEET`` each."""
    starts = range(0, len(images), PER_SHEET)
    return [_draw_sheet(images[start : start + PER_SHEET], files) for start in starts]


def _draw_sheet(images: Sequence[str], files: Mapping[str, Path]) -> Image.Image:
    rows = -(-len(images) // COLUMNS)
    width, height = TILE[0] + 4, TILE[1] + STRIP
    sheet = Image.new("RGB", (COLUMNS * width, rows * height), "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=18)
    for index, image in enumerate(images):
        left, top = index % COLUMNS * width, index // COLUMNS * height
        pen.text((left + 4, top + 2), f"{index + 1}   {image}", fill="black", font=font)
        picture = Image.fromarray(read_pixels(files[image]))
        sheet.paste(picture.resize(TILE), (left, top + STRIP))
    return sheet


def main(options: argparse.Namespace) -> int:
    """Draw, and write ``sample.csv`` and the sheets."""
    folds = read_split().fold_of
    records = [record for record in read_isic(options.data).records if folds.get(record.image_id) in FOLDS]
    scores = measure_all(records, find_masks(options.data), options.out / "cache")
    drawn = draw_sample(scores, read_split().group_of)
    drawn.to_csv(options.out / "sample.csv", index=False)
    files = {record.image_id: record.path for record in records}
    for number, sheet in enumerate(draw_sheets(list(drawn["image"]), files), start=1):
        sheet.save(options.out / f"sheet-{number}.png")
    return 0
