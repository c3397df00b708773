"""Study folders as a trained model leaves them, with scores drawn around the truth of a tiny data set."""

import csv
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.data.isic import Record, read_isic
from ml.data.split import read_split
from ml.taxonomy import CLASSES


def predict_somehow(_: Path, records: Sequence[Record]) -> npt.NDArray[np.float64]:
    """Scores of test images, drawn around their labels."""
    random = np.random.default_rng(3)
    scores = np.exp(random.normal(size=(len(records), 7)) + 2 * np.eye(7)[[record.label for record in records]])
    return np.asarray(scores / scores.sum(axis=1, keepdims=True))


def write_study_folder(path: Path, data: Path, *, skill: float = 2.0, **summary: Any) -> Path:
    """Write a finished model's folder: the higher ``skill``, the surer and righter its scores."""
    path.mkdir(parents=True, exist_ok=True)
    seed = int.from_bytes(hashlib.sha256(f"{path.name} {skill}".encode()).digest()[:4], "big")
    random = np.random.default_rng(seed)
    folds = read_split().fold_of
    with (path / "predictions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("image", "fold", *CLASSES))
        for record in read_isic(data).records:
            if folds[record.image_id] == "3":
                scores = np.exp(random.normal(size=7) + skill * np.eye(7)[record.label])
                writer.writerow((record.image_id, folds[record.image_id], *(scores / scores.sum())))
    content = {
        "kind": "network",
        "name": path.name,
        "architecture": "test_efficientnet",
        "initialisation": "scratch",
        "resolution": 96,
        "training_prior": [1 / 7] * 7,
        "parameters": 1_500_000,
        "flops": 30_000_000,
        "milliseconds_per_image": 4.25,
        "training_minutes": 1.5,
        "training_images": 28,
        "images_seen": 56,
        "sha256": hashlib.sha256(f"{path.name} {skill}".encode()).hexdigest(),
        "config": {},
        **summary,
    }
    (path / "summary.json").write_text(json.dumps(content), encoding="utf-8")
    return path
