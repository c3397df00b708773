"""Layouts in which HAM10000 is distributed, and the locations of its images and tables in them.

- ISIC 2018 Task 3 (https://challenge.isic-archive.com/data/#2018): ``ISIC2018_Task3_Training_Input`` and
  ``ISIC2018_Task3_Training_GroundTruth``, as folders or zips, and ``ISIC2018_Task3_Training_LesionGroupings.csv``.
- Harvard Dataverse (doi:10.7910/DVN/DBW86T): ``HAM10000_images_part_1`` and ``_2``, ``HAM10000_metadata`` without
  suffix, as ``.tab`` or as ``.csv``, and ``HAM10000_segmentations_lesion_tschandl``.
- Kaggle (kmader/skin-cancer-mnist-ham10000): the same two image folders and ``HAM10000_metadata.csv``.

Tschandl, Rosendahl, Kittler, Sci Data 5:180161 (2018).
"""

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ml.data.isic import name_no_file
from ml.data.masks import DIRECTORY, ENDING
from ml.data.prepare.archives import is_wanted, list_files, open_archive
from ml.data.rows import IMAGE_SUFFIXES, Table
from ml.errors import UserError

STEM = "ISIC2018_Task3_Training"
INPUT, GROUND_TRUTH, GROUPINGS = f"{STEM}_Input", f"{STEM}_GroundTruth", f"{STEM}_LesionGroupings"
PARTS = ("HAM10000_images_part_1", "HAM10000_images_part_2")
METADATA = "HAM10000_metadata"
SEGMENTATIONS = ("HAM10000_segmentations_lesion_tschandl", DIRECTORY)


@dataclass(frozen=True, slots=True)
class ImageSource:
    """One image file of ``size`` bytes: ``place`` itself, or the ``member`` of the zip ``place`` with its CRC-32."""

    place: Path
    suffix: str
    size: int
    member: str | None = None
    crc: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Contents of a directory: images and masks by image id, and the tables.

    At least one of the tables has labels. ``faults``: by id, image files that are no regular files.
    """

    images: dict[str, ImageSource]
    masks: dict[str, ImageSource]
    groupings: Table | None
    ground_truth: Table | None
    metadata: Table | None
    faults: dict[str, str] = field(default_factory=dict)


def find_layout(directory: Path) -> Layout:
    """Find all parts of the layouts above. Raises ``UserError`` listing the missing ones."""
    if not directory.is_dir():
        raise UserError(f"{directory}: no such directory; give the one that holds the images, or use --download")
    official = _find_place(directory, INPUT)
    parts = {name: _find_place(directory, name) for name in PARTS}
    ground_truth, metadata = _find_table(directory, GROUND_TRUTH), _find_table(directory, METADATA)
    missing = _name_missing(official, parts)
    if ground_truth is None and metadata is None:
        missing.append(f"{GROUND_TRUTH}.csv (or .zip) or {METADATA} (.csv or .tab)")
    if missing:
        raise UserError(
            f"{directory}: missing {'; missing '.join(missing)}; add them (Kaggle's archive.zip unpacked), "
            "or use --download"
        )
    masks = [place for name in SEGMENTATIONS if (place := _find_place(directory, name)) is not None]
    faults: dict[str, str] = {}
    places = [official] if official is not None else [place for place in parts.values() if place]
    return Layout(
        images=_list_images(places, faults),
        masks={name.removesuffix(ENDING): mask for name, mask in _list_images(masks[:1], {}).items()},
        groupings=_find_table(directory, GROUPINGS),
        ground_truth=ground_truth,
        metadata=metadata,
        faults=faults,
    )


def _name_missing(official: Path | None, parts: dict[str, Path | None]) -> list[str]:
    absent = [name for name, place in parts.items() if place is None]
    if official is not None or not absent:
        return []
    if len(absent) < len(parts):
        return [f"{absent[0]} (folder or .zip)"]
    return [f"{INPUT} or {' and '.join(PARTS)} (folders or .zip)"]


def _find_place(directory: Path, name: str) -> Path | None:
    """The folder or zip of that name; Kaggle has a second copy of each with a small ``ham``."""
    for spelling in (name, name.replace("HAM", "ham")):
        for path in (directory / spelling, directory / f"{spelling}.zip"):
            if path.is_dir() or (path.suffix == ".zip" and path.is_file()):
                return path
    return None


def _find_table(directory: Path, name: str) -> Table | None:
    for path in (*(directory / f"{name}{suffix}" for suffix in (".csv", "", ".tab")), directory / name / f"{name}.csv"):
        if path.is_file():
            return path
    zipped = directory / f"{name}.zip"
    return _find_table_in_zip(zipped) if zipped.is_file() else None


def _find_table_in_zip(path: Path) -> Table:
    with open_archive(path) as archive:
        tables = list_files(archive, (".csv", ".tab"))
    if len(tables) != 1:
        raise UserError(f"{path}: holds {len(tables)} tables; give the archive with the one .csv")
    return zipfile.Path(path, tables[0].filename)


def _list_images(places: Iterable[Path], faults: dict[str, str]) -> dict[str, ImageSource]:
    """Images by name without suffix, in any folder of the places; irregular files go to ``faults``."""
    found: dict[str, ImageSource] = {}
    for place in places:
        sources = _list_folder(place, faults) if place.is_dir() else _list_zip(place)
        if not sources:
            raise UserError(f"{place}: holds no image ({', '.join(IMAGE_SUFFIXES)}); unpack or download it again")
        for name, source in sources:
            if name in found:
                first = found[name]
                raise UserError(
                    f"{place}: {name} occurs twice ({first.member or first.place}, "
                    f"{source.member or source.place}); keep one"
                )
            found[name] = source
    return found


def _list_folder(folder: Path, faults: dict[str, str]) -> list[tuple[str, ImageSource]]:
    wanted = sorted(path for path in folder.rglob("*") if is_wanted(path, IMAGE_SUFFIXES))
    paths = [path for path in wanted if path.is_file()]
    faults.update({path.stem: name_no_file(path) for path in wanted if not path.is_file()})
    return [(path.stem, ImageSource(path, path.suffix.lower(), path.stat().st_size)) for path in paths]


def _list_zip(path: Path) -> list[tuple[str, ImageSource]]:
    with open_archive(path) as archive:
        members = [(PurePosixPath(member.filename), member) for member in list_files(archive, IMAGE_SUFFIXES)]
    return [
        (name.stem, ImageSource(path, name.suffix.lower(), member.file_size, member.filename, member.CRC))
        for name, member in members
    ]
