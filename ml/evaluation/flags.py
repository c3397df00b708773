"""Is a flag right? On photographs spoilt in a known way, and against labels by eye where the fault cannot be made."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import ImageEnhance

from ml.bundle.manifest import Manifest
from ml.data.isic import Record
from ml.data.rows import read_rows
from ml.evaluation.observe import Observer, from_changed, from_file
from ml.evaluation.shifts import Change, Picture, blur, brighten
from ml.metrics.shares import estimate_share
from ml.serve.predictor import Reading
from ml.serve.quality import find_flags

LABELS = Path(__file__).parents[2] / "docs" / "flag-labels.csv"
"""Columns flag, image and seen: 1 where the eye sees on the photograph what the flag says, else 0."""

SMALL_SIDE = 280


def fade(picture: Picture) -> Picture:
    """A tenth of the contrast."""
    return ImageEnhance.Contrast(picture).enhance(0.1)


def shrink(picture: Picture) -> Picture:
    """The shorter side of ``SMALL_SIDE`` pixels."""
    scale = SMALL_SIDE / min(picture.size)
    return picture.resize((round(picture.width * scale), round(picture.height * scale)))


FAULTS: dict[str, Change] = {
    "blurred": blur(0.02),
    "dark": brighten(0.35),
    "overexposed": brighten(1.9),
    "low_contrast": fade,
    "small": shrink,
}
"""What makes each flag right, by its name."""


def measure_flags(
    manifest: Manifest, observer: Observer, records: Sequence[Record], readings: Mapping[str, Reading]
) -> dict[str, Any]:
    """Precision of every flag that the manifest has.

    Where a fault can be made, of as many photographs spoilt as there are unspoilt ``records``; else of those of
    ``readings``, by image, that are labelled: how many of the flagged show what the flag says.
    """
    unspoilt = observer.measure([from_file(record.path) for record in records], "flags: unspoilt")
    labels = read_labels()
    found = {}
    for rule in manifest.quality.flags:
        if rule.name in FAULTS:
            makers = [from_changed(record.path, FAULTS[rule.name]) for record in records]
            spoilt = observer.measure(makers, f"flags: {rule.name}")
            raised = [[rule.name in find_flags(each, manifest.quality) for each in part] for part in (spoilt, unspoilt)]
            right = [True] * sum(raised[0]) + [False] * sum(raised[1])
            found[rule.name] = {
                "by": "fault",
                "images": len(records),
                "found": estimate_share(raised[0]).to_json(),
                "raised_unspoilt": estimate_share(raised[1]).to_json(),
            }
        else:
            flagged = [image for image, reading in readings.items() if rule.name in reading.flags]
            right = [labels[rule.name, image] for image in flagged if (rule.name, image) in labels]
            found[rule.name] = {"by": "eye", "images": len(readings), "not_labelled": len(flagged) - len(right)}
        found[rule.name] |= {"raised": len(right), **({"precision": estimate_share(right).to_json()} if right else {})}
    return found


def read_labels(path: Path = LABELS) -> dict[tuple[str, str], bool]:
    """Whether the eye sees it, by flag and image."""
    return {(row["flag"], row["image"]): row["seen"] == "1" for _, row in read_rows(path, ("flag", "image", "seen"))}
