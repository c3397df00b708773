"""Encoding of HAM10000's age, sex and site as numbers, with missing values as a category of their own."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml.data.isic import Record
from ml.errors import UserError

SEXES = ("female", "male")
SITES = (
    "abdomen", "acral", "back", "chest", "ear", "face", "foot", "genital", "hand", "lower extremity", "neck", "scalp",
    "trunk", "upper extremity",
)  # fmt: skip
KNOWN = {"sex": SEXES, "site": SITES}
YEARS = 100.0
WIDTHS = {"age": 2, "sex": 1 + len(SEXES), "site": 1 + len(SITES)}
"""Numbers per field; the first is 1 if it is known, and all are 0 if it is missing."""


def encode_metadata(records: Sequence[Record], names: Sequence[str]) -> npt.NDArray[np.float32]:
    """Encode the fields ``names`` of N records side by side, (N, total width); unknown values count as missing."""
    parts = [np.zeros((len(records), WIDTHS[name]), np.float32) for name in names]
    for part, name in zip(parts, names, strict=True):
        for row, record in zip(part, records, strict=True):
            _fill(row, name, record)
    return np.concatenate([np.zeros((len(records), 0), np.float32), *parts], axis=1)


def check_metadata(records: Sequence[Record], names: Sequence[str], where: str) -> dict[str, int]:
    """Number of records with each field.

    Raises ``UserError`` for a field that no record has, or a value outside the lists: a network would learn that
    nothing is known.
    """
    counts = {}
    for name in names:
        values = [(record.image_id, getattr(record, name)) for record in records if getattr(record, name) is not None]
        if not values:
            raise UserError(
                f"metadata: {where} have no {name} at all; add HAM10000_metadata.csv to the data, or leave {name} out"
            )
        for image_id, value in values:
            if name in KNOWN and value not in KNOWN[name]:
                raise UserError(
                    f"HAM10000_metadata: {name} of {image_id} is {value!r}, not one of {', '.join(KNOWN[name])};"
                    " correct the row, or leave it empty"
                )
        counts[name] = len(values)
    return counts


def _fill(row: npt.NDArray[np.float32], name: str, record: Record) -> None:
    if name == "age":
        if record.age is not None:
            row[:] = 1, record.age / YEARS
        return
    value = getattr(record, name)
    if value in KNOWN[name]:
        row[0] = row[1 + KNOWN[name].index(value)] = 1
