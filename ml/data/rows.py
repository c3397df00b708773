"""Tables as people have them: between commas, semicolons or tabs, from Excel, pandas or an archive."""

import csv
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from ml.errors import UserError

Table = Path | zipfile.Path
"""A CSV file, or one inside a zip."""

DELIMITERS = (",", ";", "\t")
NAMES = ("image", "image_id")
"""Columns that name an image: by its id, or by its file, whose suffix is then dropped."""
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
MISSING = frozenset({"", "nan", "na", "n/a", "none", "null", "unknown"})
"""What is written where nothing is known, by people and by libraries."""


def read_rows(path: Table, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Rows with their line numbers, without blanks around values; ``columns`` must be there and filled.

    Raises ``UserError`` for what is no such table.
    """
    try:
        with path.open("r", newline="", encoding="utf-8-sig") as file:
            lines = iter(file)
            first = next(lines, "")
            delimiter = max(DELIMITERS, key=first.count)
            header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
            _check_header(path, header, columns)
            reader = csv.DictReader(chain([first], lines), header, delimiter=delimiter, skipinitialspace=True)
            next(reader, None)
            return list(_check_rows(path, reader, columns))
    except (OSError, UnicodeDecodeError, csv.Error, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error}); give a UTF-8 file with commas") from error


def fill_in(text: str | None) -> str | None:
    """The value, or None where it says that nothing is known."""
    return None if text is None or text.strip().lower() in MISSING else text.strip()


def _check_header(path: Table, header: list[str], columns: tuple[str, ...]) -> None:
    missing = [column for column in columns if column not in header]
    if missing:
        raise UserError(f"{path}: column {', '.join(missing)} is missing; the header must have {','.join(columns)}")
    for column in columns:
        if header.count(column) > 1:
            raise UserError(f"{path}: column {column} is there twice; keep one")


def _check_rows(
    path: Table, reader: "csv.DictReader[str]", columns: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, str]]]:
    for row in reader:
        place = f"{path}, line {reader.line_num}"
        if any(row[column] is None for column in columns):
            raise UserError(f"{place}: too few fields; fill {','.join(columns)}")
        if any(row.pop(None, ())):  # where csv puts what is beyond the header
            raise UserError(f"{place}: more fields than the header names; quote values that hold the delimiter")
        filled = {name: (value or "").strip() for name, value in row.items()}
        for name in NAMES:
            if name in filled and filled[name].lower().endswith(IMAGE_SUFFIXES):
                filled[name] = filled[name].rpartition(".")[0]
        yield reader.line_num, filled
