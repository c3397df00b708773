"""Subsets of a fold by image quality, in thirds, and by artefacts, present or not."""

from collections.abc import Sequence
from pathlib import Path

from ml.data.artefacts import ARTEFACTS, THRESHOLDS
from ml.data.isic import Record
from ml.data.masks import list_masks
from ml.evaluation.mistakes import name_thirds
from ml.reports.eda.measures import measure_all

QUALITIES = ("sharpness", "lightness", "contrast")


def divide_by_pictures(
    records: Sequence[Record], data: Path, cache: Path, *, progress: bool = True
) -> dict[str, list[str]]:
    """For each quality measure and artefact, the subset of every image; measures are cached in ``cache``."""
    frame = measure_all(list(records), list_masks(data), cache, progress=progress)
    parts = {name: name_thirds(frame[name].tolist()) for name in QUALITIES}
    for name in ARTEFACTS:
        seen = (frame[name] >= THRESHOLDS[name]).tolist()
        parts[name.replace("_", " ")] = ["present" if each else "absent" for each in seen]
    return parts
