"""A data set small enough to train on in a test: noise in the colour of its class, under images' real names."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ml.data.split import read_split
from ml.taxonomy import CLASSES

WIDTH, HEIGHT = 320, 240

TINY_RUN = """
architecture: test_efficientnet
train_folds: ["0"]
choose_fold: "3"
stages: [{size: 32, epochs: 1}]
readings: [{size: 32, fractions: [0.8]}]
cache_side: 32
batch_size: 8
precision: fp32
"""
"""The shortest configuration of a network: one epoch at 32 pixels."""


def write_tiny_isic(directory: Path, *, per_class: dict[str, int]) -> Path:
    """Write so many images of every class for each fold named, in the official layout, and return the directory."""
    images = directory / "ISIC2018_Task3_Training_Input"
    images.mkdir(parents=True)
    names = {fold: [name for name, its in sorted(read_split().fold_of.items()) if its == fold] for fold in per_class}
    rows: list[tuple[object, ...]] = []
    random = np.random.default_rng(7)
    for fold, count in per_class.items():
        for place in range(count * len(CLASSES)):
            label, name = place % len(CLASSES), names[fold][place]
            base = np.full((HEIGHT, WIDTH, 3), 60 + 20 * label)
            base[..., label % 3] += 50
            pixels = np.clip(base + random.normal(0, 20, base.shape), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(images / f"{name}.jpg", quality=90)
            rows.append((name, *(float(index == label) for index in range(len(CLASSES)))))
    write_rows(directory / "ISIC2018_Task3_Training_GroundTruth.csv", ("image", *CLASSES), rows)
    lesions = [(row[0], f"HAM_{str(row[0])[-7:]}", "histopathology") for row in rows]
    header = ("image", "lesion_id", "diagnosis_confirm_type")
    write_rows(directory / "ISIC2018_Task3_Training_LesionGroupings.csv", header, lesions)
    return directory


def write_rows(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
