"""Precision of quality flags, on photographs with a simulated fault or against labels by eye."""

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
from ml.serve.interpretation import Reading
from ml.serve.quality import find_flags

LABELS = Path(__file__).parents[2] / "docs" / "flag-labels.csv"
"""Labels by eye: columns flag, image and seen, which is 1 if the photograph shows what the flag says."""

SMALL_SIDE = 280


def fade(picture: Picture) -> Picture:
    """Reduce contrast to a tenth."""
    return ImageEnhance.Contrast(picture).enhance(0.1)


def shrink(picture: Picture) -> Picture:
    """Shrink the shorter side to ``SMALL_SIDE`` pixels."""
    scale = SMALL_SIDE / min(picture.size)
    return picture.resize((round(picture.width * scale), round(picture.height * scale)))


FAULTS: dict[str, Change] = {
    "blurred": blur(0.02),
    "dark": brighten(0.35),
    "overexposed": brighten(1.9),
    "low_contrast": fade,
    "small": shrink,
}
"""The simulated fault of each flag, by the flag's name."""


def measure_flags(
    manifest: Manifest, observer: Observer, records: Sequence[Record], readings: Mapping[str, Reading]
) -> dict[str, Any]:
    """Precision of every flag of the manifest.

    Flags with a simulated fault are measured on equally many photographs with and without it; others on those of
    ``readings``, by image, that are labelled.
    """
    unspoilt = observer.measure([from_file(record.path) for record in records], "flags: unspoilt")
    labels = read_labels()
    precision = {}
    for rule in manifest.quality.flags:
        if rule.name in FAULTS:
            makers = [from_changed(record.path, FAULTS[rule.name]) for record in records]
            spoilt = observer.measure(makers, f"flags: {rule.name}")
            raised = [[rule.name in find_flags(m, manifest.quality) for m in part] for part in (spoilt, unspoilt)]
            right = [True] * sum(raised[0]) + [False] * sum(raised[1])
            precision[rule.name] = {
                "by": "fault",
                "images": len(records),
                "found": estimate_share(raised[0]).to_json(),
                "raised_unspoilt": estimate_share(raised[1]).to_json(),
            }
        else:
            flagged = [image for image, reading in readings.items() if rule.name in reading.flags]
            right = [labels[rule.name, image] for image in flagged if (rule.name, image) in labels]
            precision[rule.name] = {"by": "eye", "images": len(readings), "not_labelled": len(flagged) - len(right)}
        precision[rule.name] |= {
            "raised": len(right),
            **({"precision": estimate_share(right).to_json()} if right else {}),
        }
    return precision


def read_labels(path: Path = LABELS) -> dict[tuple[str, str], bool]:
    """Labels by eye, by flag and image."""
    return {(row["flag"], row["image"]): row["seen"] == "1" for _, row in read_rows(path, ("flag", "image", "seen"))}
