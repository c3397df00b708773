"""The section on augmentation: the effect of each level, compared with the natural variation of photographs."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import albumentations
import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from PIL import Image as Pillow
from timm.data.mixup import Mixup

from ml.reports.eda.galleries import save_grid
from ml.reports.eda.page import Figure, Image, Section
from ml.training.augment_albumentations import list_transforms
from ml.training.config import Augmentation

Pixels = npt.NDArray[np.uint8]

SEED = 11
SIZE = 128
DRAWS = 8
MEASURED = 64
"""Images on which a level's change of colour is measured."""
Level = Any  # one of Augmentation's level names
LEVELS: tuple[Level, ...] = get_args(next(field.type for field in fields(Augmentation) if field.name == "level"))
PLACES = {"lightness": 100 / 255, "redness": 1.0, "yellowness": 1.0}


def describe_augmentation(table: pd.DataFrame, out: Path, numbers: dict[str, Any]) -> Section:
    """One image under every level, mixed images, and the spread that each level adds."""
    drawn = table.sample(min(MEASURED, len(table)), random_state=SEED)["path"]
    pictures = [_read(path) for path in drawn]
    natural = {name: float(table.groupby("class")[name].std().mean()) for name in PLACES}
    spreads = {level: _measure_spread(level, pictures) for level in LEVELS}
    numbers["augmentation"] = {"within_class": natural, "added": spreads}
    images = []
    for level in LEVELS:
        file = f"augmentation-{level}.webp"
        tiles = [Pillow.fromarray(tile) for tile in _alter(level, [pictures[0]] * DRAWS)]
        save_grid(tiles, out / file, columns=4)
        images.append(Image(file, f"One photograph altered {DRAWS} times at level {level}", str(level)))
    ratios = {(level, name): spread[name] / natural[name] for level, spread in spreads.items() for name in PLACES}
    level, name = max(ratios, key=ratios.__getitem__)
    ratio = ratios[level, name]
    verdict = (
        "that stays within what the pictures do by themselves"
        if ratio <= 1
        else "that is more than the pictures do by themselves, and may be too much"
    )
    figures = [
        Figure(
            images,
            f"The same photograph, {DRAWS} draws at each level. Spread of mean lightness that a level adds: "
            + ", ".join(f"{level} {spread['lightness']:.1f}" for level, spread in spreads.items())
            + f"; pictures of one class differ by {natural['lightness']:.1f} (standard deviations, L*).",
            f"{level} moves {name} most, by {ratio:.1f} times the spread within a class: {verdict}.",
            size="tiles",
        ),
        _draw_mixing(pictures[:DRAWS], out),
    ]
    return Section(
        "augmentation", "What augmentation does", "The levels that a training configuration can ask for.", figures
    )


def _read(path: Path) -> Pixels:
    with Pillow.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _alter(level: Level, pictures: Sequence[Pixels]) -> list[Pixels]:
    np.random.seed(SEED)  # noqa: NPY002  the drawn hairs follow it
    transforms = list_transforms(Augmentation(kind="albumentations", level=level), SIZE)
    altering = albumentations.Compose(transforms, seed=SEED)
    return [altering(image=picture)["image"] for picture in pictures]


def _measure_spread(level: Level, pictures: Sequence[Pixels]) -> dict[str, float]:
    """Standard deviation of a level's change of the mean lightness, redness and yellowness of images (CIELAB)."""
    added = [
        _average_colour(altered) - _average_colour(cv2.resize(picture, (SIZE, SIZE)).astype(np.uint8))
        for picture, altered in zip(pictures, _alter(level, pictures), strict=True)
    ]
    deviations = np.std(added, axis=0)
    return {name: float(deviation * unit) for deviation, (name, unit) in zip(deviations, PLACES.items(), strict=True)}


def _average_colour(picture: Pixels) -> npt.NDArray[np.float64]:
    average: npt.NDArray[np.float64] = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).reshape(-1, 3).mean(axis=0)
    return average


def _draw_mixing(pictures: Sequence[Pixels], out: Path) -> Figure:
    config = Augmentation()
    tiles = [cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for picture in pictures]
    even = tiles[: len(tiles) // 2 * 2]  # images are mixed in pairs
    images = []
    for name, alphas in (
        ("mixup", {"mixup_alpha": config.mixup_alpha, "cutmix_alpha": 0.0}),
        ("cutmix", {"mixup_alpha": 0.0, "cutmix_alpha": config.cutmix_alpha}),
    ):
        np.random.seed(SEED)  # noqa: NPY002 timm draws by it
        batch = torch.from_numpy(np.stack(even)).permute(0, 3, 1, 2).float()
        mix = Mixup(**alphas, prob=1.0, mode="pair", num_classes=len(even))  # type: ignore[no-untyped-call] # timm's has no types
        mixed, _ = mix(batch, torch.arange(len(even)))
        altered = mixed.permute(0, 2, 3, 1).round().clamp(0, 255).to(torch.uint8).numpy()
        save_grid([Pillow.fromarray(tile) for tile in altered], out / f"augmentation-{name}.webp", columns=4)
        images.append(Image(f"augmentation-{name}.webp", f"{len(even)} photographs mixed by {name}", name))
    return Figure(
        images,
        f"Photographs mixed in pairs: MixUp by weights from Beta({config.mixup_alpha}, {config.mixup_alpha}), CutMix "
        f"by rectangles whose area is from Beta({config.cutmix_alpha}, {config.cutmix_alpha}).",
        "labels are mixed with the pictures, which calibrates, but no lesion looks like a MixUp, and CutMix can cut "
        "the lesion out and keep its label: whether either helps is for the ablation to say.",
        size="tiles",
    )
