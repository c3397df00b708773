"""Training data without the test fold: laid out for the stages, and packed for a machine without network."""

import argparse
import csv
import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from ml.data.isic import GROUND_TRUTH, GROUPINGS, METADATA, Record, find_table, read_isic
from ml.data.rows import read_rows
from ml.data.split import OPEN_FOLDS, read_split
from ml.errors import UserError
from ml.support.disk import read_file, stat_file

TABLES = {GROUND_TRUTH: "image", GROUPINGS: "image", METADATA: "image_id"}
"""The tables that ``read_isic`` reads, and the column with the image's id."""
MEGABYTE = 1_000_000
BLOCK, RECORD = 512, 10_240
"""Sizes in a tar: of a member's header and padding, and of the archive's padding."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Image files by their path within the official layout, and the tables reduced to these images."""

    images: dict[str, Path]
    tables: dict[str, bytes]


def select_training_data(data: Path, folds: Sequence[str], *, images: int | None = None) -> TrainingData:
    """Select the ``folds`` of the official layout in ``data``, or ``images`` of them, evenly over folds and classes.

    Raises ``UserError`` if there are fewer.
    """
    fold_of = read_split().fold_of
    records = [record for record in read_isic(data).records if fold_of.get(record.image_id) in folds]
    if images is not None:
        records = _draw_evenly(records, fold_of, images)
    names = {record.image_id for record in records}
    tables = {
        path.name: _cut_table(path, column, names)
        for name, column in TABLES.items()
        if (path := find_table(data, name)) is not None
    }
    return TrainingData({f"{each.path.parent.name}/{each.path.name}": each.path for each in records}, tables)


def lay_out(selected: TrainingData, out: Path) -> None:
    """Create a directory in the official layout: links to the images, and the tables."""
    for name, path in selected.images.items():
        link = out / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(path.resolve())
    for name, content in selected.tables.items():
        (out / name).write_bytes(content)


def pack(selected: TrainingData, out: Path, *, megabytes: int = 30, progress: bool = True) -> list[Path]:
    """Write tars of at most ``megabytes`` each to ``out``; equal files give identical bytes."""
    out.mkdir(parents=True, exist_ok=True)
    if any(out.glob("*.tar")):
        raise UserError(f"{out}: holds tars already; give another --out")
    sizes = {name: len(content) for name, content in selected.tables.items()}
    sizes |= {name: stat_file(path).st_size for name, path in selected.images.items()}
    written = []
    with tqdm(total=len(sizes), desc="Packing", unit="file", disable=not progress) as bar:
        for number, names in enumerate(_fill(sizes, megabytes * MEGABYTE)):
            written.append(out / f"isic2018_task3_training_{number:02}.tar")
            with tarfile.open(written[-1], "w", format=tarfile.USTAR_FORMAT) as archive:
                for name in names:
                    content = selected.tables[name] if name in selected.tables else read_file(selected.images[name])
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
                    bar.update()
    return written


def unpack(source: Path, out: Path) -> None:
    """Unpack the tars in ``source`` to ``out``."""
    selected = sorted(source.glob("*.tar"))
    if not selected:
        raise UserError(f"{source}: holds no tar; give the directory that `pack` wrote")
    for path in tqdm(selected, desc="Unpacking", unit="tar"):
        try:
            with tarfile.open(path, "r:") as archive:
                archive.extractall(out, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise UserError(f"{path}: cannot be unpacked ({error}); pack it again") from error


def _draw_evenly(records: Sequence[Record], fold_of: Mapping[str, str], count: int) -> list[Record]:
    """One record of each fold and class in turn, ordered by name."""
    piles: dict[tuple[str, int], list[Record]] = {}
    for record in sorted(records, key=lambda each: each.image_id, reverse=True):
        piles.setdefault((fold_of[record.image_id], record.label), []).append(record)
    if count > len(records):
        raise UserError(f"images: is {count}, but the data have {len(records)}; ask for fewer")
    drawn: list[Record] = []
    while len(drawn) < count:
        drawn += [piles[key].pop() for key in sorted(piles, key=lambda key: key[::-1]) if piles[key]]
    return drawn[:count]


def _cut_table(path: Path, column: str, names: set[str]) -> bytes:
    rows = [row for _, row in read_rows(path, (column,)) if row[column] in names]
    if not rows:
        raise UserError(f"{path}: has no row of the images that are wanted; give the tables of ISIC 2018 Task 3")
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _fill(sizes: dict[str, int], limit: int) -> Iterator[list[str]]:
    """Yield groups of names, in order, whose tars have at most ``limit`` bytes."""
    group: list[str] = []
    filled = 0
    for name, size in sizes.items():
        taken = BLOCK + -(-size // BLOCK) * BLOCK
        if taken + 2 * BLOCK + RECORD > limit:
            raise UserError(f"{name}: has {size} bytes, too many for one tar of {limit}; allow more --megabytes")
        if group and filled + taken + 2 * BLOCK + RECORD > limit:
            yield group
            group, filled = [], 0
        group.append(name)
        filled += taken
    yield group


def pack_training_data(options: argparse.Namespace) -> int:
    """Pack as the options say, and print the tars."""
    selected = select_training_data(options.data, OPEN_FOLDS)
    for path in pack(selected, options.out, megabytes=options.megabytes):
        print(path)
    return 0


def unpack_training_data(options: argparse.Namespace) -> int:
    """Unpack as the options say."""
    unpack(options.data, options.out)
    return 0
