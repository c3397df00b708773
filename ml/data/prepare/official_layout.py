"""Image files in the layout of ISIC 2018 Task 3: linked if possible, else copied or unpacked."""

import shutil
import zipfile
import zlib
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from tqdm import tqdm

from ml.data.prepare.archives import open_archive
from ml.data.prepare.layouts import ImageSource
from ml.data.rows import IMAGE_SUFFIXES
from ml.errors import UserError
from ml.support.disk import check_space, make_directory, writing


def write_images(
    images: Mapping[str, ImageSource], folder: Path, *, ending: str = "", progress: bool = True
) -> dict[str, Path]:
    """Write images as ``folder``/id ``ending`` suffix, and return their paths.

    Existing ones are kept, so that a stopped run resumes. Raises ``UserError`` if the disk is too full for the rest.
    """
    make_directory(folder)
    paths = {name: folder / f"{name}{ending}{source.suffix}" for name, source in images.items()}
    _remove_others(folder, set(paths.values()), {f"{name}{ending}" for name in images})
    waiting = [(paths[name], source) for name, source in images.items() if not _is_there(paths[name], source)]
    device = folder.stat().st_dev
    check_space(folder, sum(source.size for _, source in waiting if source.member or _device(source) != device))
    by_place = groupby(waiting, key=lambda pair: pair[1].place if pair[1].member else None)
    with tqdm(total=len(waiting), desc=f"Writing {folder.name}", unit="image", disable=not progress) as bar:
        for place, group in by_place:
            if place is None:
                for path, source in group:
                    with writing(path):
                        _link(source.place, path)
                    bar.update()
            else:
                with open_archive(place) as archive:
                    for path, source in group:
                        _unpack(archive, source, path)
                        bar.update()
    return paths


def _device(source: ImageSource) -> int:
    return source.place.stat().st_dev


def _is_there(path: Path, source: ImageSource) -> bool:
    """Whether the file equals the source: the same file, a copy of its size and time, or the member's CRC."""
    if not path.is_file() or path.stat().st_size != source.size:
        return False
    if source.crc is not None:
        return zlib.crc32(path.read_bytes()) == source.crc
    return path.samefile(source.place) or path.stat().st_mtime_ns == source.place.stat().st_mtime_ns


def _remove_others(folder: Path, wanted: set[Path], known: set[str]) -> None:
    """Remove partial files and other formats of wanted images; raises ``UserError`` for a file of unknown origin."""
    for path in folder.iterdir():
        if path in wanted:
            continue
        if path.suffix != ".part" and (path.suffix.lower() not in IMAGE_SUFFIXES or path.stem not in known):
            raise UserError(f"{folder}: {path.name} is not of these images; remove it or give another --out")
        path.unlink()


def _link(source: Path, path: Path) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        part.hardlink_to(source)
    except OSError:  # another disk, or one without hard links
        shutil.copy2(source, part)
    part.replace(path)


def _unpack(archive: zipfile.ZipFile, source: ImageSource, path: Path) -> None:
    """Unpack one member; zipfile limits it to the checked size and verifies its CRC."""
    assert source.member is not None
    part = path.with_name(f"{path.name}.part")
    with archive.open(source.member) as packed, writing(path):
        with part.open("wb") as file:
            shutil.copyfileobj(packed, file)
        part.replace(path)
