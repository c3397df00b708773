"""HAM10000 in small, in the layouts that it is handed out in: drawn lesions under made-up names."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from ml.taxonomy import CLASSES
from tests.ml.pictures import jpeg

NAMES = tuple(f"ISIC_00{number}" for number in range(10, 18))
HEADER = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
METADATA = {
    name: [f"HAM_{place // 2}", name, CLASSES[place // 2].lower(), "histo", "45.0", "female", "back"]
    for place, name in enumerate(NAMES)
}
"""Two images a lesion, of the first four classes."""


def picture(seed: int, *, width: int = 320, height: int = 240) -> Image.Image:
    """Skin with a texture of its own: fine enough for keypoints."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(60, 200, (30, 40, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


@cache
def photographs() -> dict[str, bytes]:
    """JPEG files by image id."""
    return {name: jpeg(picture(place), quality=85) for place, name in enumerate(NAMES)}


def table(header: Sequence[str], rows: Sequence[Sequence[object]], *, delimiter: str = ",") -> str:
    """A table as text."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def ground_truth() -> str:
    """The official one-hot table."""
    rows = [(name, *(float(place // 2 == label) for label in range(7))) for place, name in enumerate(NAMES)]
    return table(("image", *CLASSES), rows)


def write_zip(path: Path, members: Mapping[str, bytes | str]) -> Path:
    """Write a deflated zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def write_official_folders(directory: Path) -> Path:
    """ISIC's folders, unpacked."""
    images = directory / "ISIC2018_Task3_Training_Input"
    images.mkdir(parents=True)
    for name, data in photographs().items():
        (images / f"{name}.jpg").write_bytes(data)
    (images / "LICENSE.txt").write_text("CC BY-NC\n", encoding="utf-8")
    truth = directory / "ISIC2018_Task3_Training_GroundTruth"
    truth.mkdir()
    (truth / "ISIC2018_Task3_Training_GroundTruth.csv").write_text(ground_truth(), encoding="utf-8")
    return directory


def write_official_zips(directory: Path) -> Path:
    """ISIC's zips as they come, with what macOS adds, and the groupings beside them."""
    directory.mkdir(parents=True, exist_ok=True)
    stem = "ISIC2018_Task3_Training"
    members = {f"{stem}_Input/{name}.jpg": data for name, data in photographs().items()}
    extra = {f"__MACOSX/{stem}_Input/._{NAMES[0]}.jpg": b"fork", f"{stem}_Input/LICENSE.txt": b"CC BY-NC"}
    write_zip(directory / f"{stem}_Input.zip", {**members, **extra})
    write_zip(directory / f"{stem}_GroundTruth.zip", {f"{stem}_GroundTruth/{stem}_GroundTruth.csv": ground_truth()})
    rows = [(name, row[0], "histopathology") for name, row in METADATA.items()]
    text = table(("image", "lesion_id", "diagnosis_confirm_type"), rows)
    (directory / f"{stem}_LesionGroupings.csv").write_text(text, encoding="utf-8")
    return directory


def write_dataverse(directory: Path) -> Path:
    """Dataverse's zips without folders, its table between tabs, and the masks."""
    directory.mkdir(parents=True)
    files = {f"{name}.jpg": data for name, data in photographs().items()}
    halves = (dict(list(files.items())[:4]), dict(list(files.items())[4:]))
    for number, half in enumerate(halves, start=1):
        write_zip(directory / f"HAM10000_images_part_{number}.zip", half)
    text = table(HEADER, list(METADATA.values()), delimiter="\t")
    (directory / "HAM10000_metadata.tab").write_text(text, encoding="utf-8")
    mask = io.BytesIO()
    Image.new("L", (320, 240)).save(mask, "PNG")
    folder = "HAM10000_segmentations_lesion_tschandl"
    members: dict[str, bytes | str] = {f"{folder}/{name}_segmentation.png": mask.getvalue() for name in NAMES[:5]}
    write_zip(directory / f"{folder}.zip", members)
    return directory


def write_kaggle(directory: Path) -> Path:
    """Kaggle's folders, each also there under a small name, and its tables."""
    for spelling in ("HAM10000", "ham10000"):
        for number in (1, 2):
            (directory / f"{spelling}_images_part_{number}").mkdir(parents=True)
    for place, (name, data) in enumerate(photographs().items()):
        for spelling in ("HAM10000", "ham10000"):
            (directory / f"{spelling}_images_part_{1 + place // 4}" / f"{name}.jpg").write_bytes(data)
    (directory / "HAM10000_metadata.csv").write_text(table(HEADER, list(METADATA.values())), encoding="utf-8")
    (directory / "hmnist_28_28_L.csv").write_text("pixel0000,label\n", encoding="utf-8")
    return directory
