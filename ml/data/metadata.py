"""Age, sex and site of HAM10000 as numbers; that a value is missing is a value of its own."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml.data.isic import Record

SEXES = ("female", "male")
SITES = (
    "abdomen", "acral", "back", "chest", "ear", "face", "foot", "genital", "hand", "lower extremity", "neck", "scalp",
    "trunk", "upper extremity",
)  # fmt: skip
YEARS = 100.0
WIDTHS = {"age": 2, "sex": 1 + len(SEXES), "site": 1 + len(SITES)}
"""Numbers for each field; the first tells that it is known, and all are 0 where it is not."""


def encode_metadata(records: Sequence[Record], names: Sequence[str]) -> npt.NDArray[np.float32]:
    """The fields ``names`` of N records side by side, (N, total width); a value outside the lists counts as missing."""
    parts = [np.zeros((len(records), WIDTHS[name]), np.float32) for name in names]
    for part, name in zip(parts, names, strict=True):
        for row, record in zip(part, records, strict=True):
            _fill(row, name, record)
    return np.concatenate([np.zeros((len(records), 0), np.float32), *parts], axis=1)


def _fill(row: npt.NDArray[np.float32], name: str, record: Record) -> None:
    if name == "age":
        if record.age is not None:
            row[:] = 1, record.age / YEARS
        return
    known, value = (SEXES, record.sex) if name == "sex" else (SITES, record.site)
    if value in known:
        row[0] = row[1 + known.index(value)] = 1
