"""Reader of delimited tables from people and programs: comma, semicolon or tab; Excel, pandas or an archive."""

import csv
import re
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from ml.errors import UserError
from ml.support.disk import check_ends

Table = Path | zipfile.Path
"""A CSV file, or one inside a zip."""

DELIMITERS = (",", ";", "\t")
NAMES = ("image", "image_id")
"""Columns with an image's id, or with its file name, of which the suffix is dropped."""
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
SEPARATOR = re.compile(r"sep=([,;\t])", re.IGNORECASE)
"""Excel's own first line, which declares the delimiter."""
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""Signatures of Excel and LibreOffice files."""
MISSING = frozenset({"", "-", "?", "nan", "na", "n/a", "#n/a", "nat", "none", "null", "unknown"})
"""Spellings of a missing value."""


def read_rows(path: Table, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Rows with line numbers, values stripped; ``columns`` must exist, in any case, and be filled.

    Raises ``UserError`` for anything else.
    """
    try:
        _check_kind(path)
        with path.open("r", newline="", encoding="utf-8-sig") as file:
            lines = iter(file)
            before, first, delimiter = _find_header(lines)
            named = next(csv.reader([first], delimiter=delimiter), [])
            spelt = {column.lower(): column for column in columns}
            header = [spelt.get(name.strip().lower(), name.strip()) for name in named]
            _check_header(path, header, columns)
            reader = csv.DictReader(chain([first], lines), header, delimiter=delimiter, skipinitialspace=True)
            next(reader, None)
            return list(_check_rows(path, reader, columns, before))
    except (OSError, UnicodeDecodeError, csv.Error, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error}); give a UTF-8 file with commas") from error


def _check_kind(path: Table) -> None:
    if isinstance(path, Path):
        check_ends(path)
    with path.open("rb") as file:
        if file.read(4) in WORKBOOKS:
            raise UserError(f"{path}: is a workbook of Excel or LibreOffice, or a zip; save it as CSV in UTF-8")


def _find_header(lines: Iterator[str]) -> tuple[int, str, str]:
    """Number of lines before the header (blank, comment or Excel's ``sep=``), the header, and its delimiter."""
    delimiter = None
    for before, line in enumerate(lines):
        separator = SEPARATOR.fullmatch(line.strip('\r\n "'))
        if separator is not None:
            delimiter = separator[1]
        elif line.strip(' ,;\t\r\n"') and not line.startswith("#"):
            return before, line, delimiter or max(DELIMITERS, key=line.count)
    return 0, "", DELIMITERS[0]


def fill_in(text: str | None) -> str | None:
    """The value, or None for a spelling of a missing value."""
    return None if text is None or text.strip().lower() in MISSING else text.strip()


def _check_header(path: Table, header: list[str], columns: tuple[str, ...]) -> None:
    missing = [column for column in columns if column not in header]
    if missing:
        raise UserError(f"{path}: column {', '.join(missing)} is missing; the header must have {','.join(columns)}")
    for column in columns:
        if header.count(column) > 1:
            raise UserError(f"{path}: column {column} occurs twice; keep one")


def _check_rows(
    path: Table, reader: "csv.DictReader[str]", columns: tuple[str, ...], before: int
) -> Iterator[tuple[int, dict[str, str]]]:
    for row in reader:
        line = before + reader.line_num
        place = f"{path}, line {line}"
        if any(row[column] is None for column in columns):
            raise UserError(f"{place}: too few fields; fill {','.join(columns)}")
        if any(row.pop(None, ())):  # csv's key for surplus values
            raise UserError(f"{place}: more fields than the header names; quote values that hold the delimiter")
        filled = {name: (value or "").strip() for name, value in row.items()}
        for name in NAMES:
            if name in filled and filled[name].lower().endswith(IMAGE_SUFFIXES):
                filled[name] = filled[name].rpartition(".")[0]
        yield line, filled
