"""Measures of every image, cached in a CSV for the next report."""

import csv
import hashlib
import inspect
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image
from tqdm import tqdm

from ml.data import artefacts
from ml.data.duplicates import perceptual_hash
from ml.data.isic import Record
from ml.data.pictures import read_pixels
from ml.errors import UserError
from ml.reports.eda import shape
from ml.serve import quality
from ml.support.disk import stat_file

COLUMNS = (
    *("image", "stamp", "phash", "lightness", "redness", "yellowness", "sharpness", "contrast"),
    *("area", "asymmetry", "cut_off"),
    *artefacts.ARTEFACTS,
)


def measure_all(
    records: list[Record], masks: dict[str, Path], cache: Path, *, workers: int = 2, progress: bool = True
) -> pd.DataFrame:
    """Measure all images that are not in the cache or have changed; rows of ``COLUMNS`` in the order of ``records``.

    The cache is a CSV in the folder ``cache``, named after the hash of the measuring code; a stopped run resumes.
    """
    path = _open_cache(cache)
    stamps = {record.image_id: _stamp(record.path, masks.get(record.image_id)) for record in records}
    known = _read_cache(path)
    fresh = set(known.index[known["stamp"] == pd.Series(stamps).reindex(known.index)])
    waiting = [record for record in records if record.image_id not in fresh]
    cv2.setNumThreads(1)  # the worker processes share the cores already
    with path.open("a", newline="", encoding="utf-8") as file, ThreadPoolExecutor(workers) as pool:
        writer = csv.DictWriter(file, COLUMNS)
        measured = pool.map(lambda record: measure_picture(record, masks.get(record.image_id)), waiting)
        bar = tqdm(measured, desc="Measuring pictures", total=len(waiting), unit="picture", disable=not progress)
        try:
            for record, row in zip(waiting, bar, strict=True):
                writer.writerow({"image": record.image_id, "stamp": stamps[record.image_id], **row})
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # a bad file is reported at once, not after all the others
            raise
    return _read_cache(path).loc[[record.image_id for record in records]].reset_index()


def measure_picture(record: Record, mask_path: Path | None) -> dict[str, float | str]:
    """All measures of one image; those that need a mask are NaN without one. Raises ``UserError`` naming the file."""
    image = read_pixels(record.path)
    colour = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).reshape(-1, 3).mean(axis=0)
    measured = quality.measure_quality(image)
    mask = None if mask_path is None else _read_mask(mask_path, image.shape[:2])
    shapes = {} if mask is None else shape.measure_shape(mask)
    phash = int(perceptual_hash.hash_picture(Image.fromarray(image)))
    return {
        "phash": f"{phash:016x}",
        "lightness": colour[0] * 100 / 255,
        "redness": colour[1] - 128,
        "yellowness": colour[2] - 128,
        "sharpness": measured["sharpness"],
        "contrast": measured["contrast"],
        **{name: shapes.get(name, np.nan) for name in ("area", "asymmetry", "cut_off")},
        **artefacts.score_artefacts(image, mask),
    }


def _read_mask(path: Path, size: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None or mask.shape != size:
        raise UserError(f"{path}: is no mask of its picture's size {size[1]}×{size[0]}; copy it from the archive again")
    return mask.astype(np.uint8)


def _stamp(*paths: Path | None) -> str:
    """Size and modification time of files, which identify the measured ones."""
    states = [stat_file(path) for path in paths if path is not None]
    return "-".join(f"{state.st_size}.{state.st_mtime_ns}" for state in states)


def _read_cache(path: Path) -> pd.DataFrame:
    """The newest row of each image, by image id."""
    rows = pd.read_csv(path, dtype=dict.fromkeys(("image", "stamp", "phash"), str))
    return rows.drop_duplicates("image", keep="last").set_index("image")


def _open_cache(folder: Path) -> Path:
    """The CSV for the current measuring code, with a header at least; the folder is excluded from git."""
    measuring = (artefacts, shape, quality.measure_quality, perceptual_hash.hash_picture, measure_picture)
    code = hashlib.sha256("".join(inspect.getsource(each) for each in measuring).encode()).hexdigest()
    path = folder / f"measures-{code[:12]}.csv"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        whole = path.read_text(encoding="utf-8").rpartition("\n")[0] if path.exists() else ",".join(COLUMNS)
        path.write_text(whole + "\n", encoding="utf-8")  # without a line truncated by a kill
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror}); choose another --out") from error
    return path
