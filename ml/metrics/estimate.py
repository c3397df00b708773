"""A figure with its 95 % interval: its JSON form, its text, and tables of figures."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

DIGITS = 4
NOT_DEFINED = "not defined"
BOLD = r"^\*\*(.*)\*\*$"

WILSON, GROUPED_WILSON, CLOPPER_PEARSON = "Wilson", "Wilson over groups", "Clopper-Pearson"
OVER_LESIONS, OVER_GROUPS, OVER_IMAGES = "bootstrap over lesions", "bootstrap over groups", "bootstrap over images"
"""Method of an interval. *Groups* are lesions or patients, whichever is known."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """``value`` and its interval from ``low`` to ``high``, None if undefined.

    ``n``: number of photographs, for a sensitivity the malignant ones; None if it was not stored. ``how``: the method
    of the interval.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int | None
    how: str

    @classmethod
    def of(
        cls, value: Any, interval: Sequence[Any] | npt.NDArray[Any], *, n: int, how: str, digits: int = DIGITS
    ) -> "Estimate":
        """Round numbers, each of which may be NaN; ``interval`` (2,) is low and high."""
        numbers = [None if np.isnan(each) else round(float(each), digits) for each in (value, *interval)]
        return cls(numbers[0], numbers[1], numbers[2], n, how)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Estimate":
        """Read the result of ``to_json``, or a figure of a bundle of schema 2, which lacks ``n`` and ``how``."""
        return cls(found["value"], found["low"], found["high"], found.get("n"), found.get("how", ""))

    def to_json(self) -> dict[str, Any]:
        """Plain values by the names of the fields."""
        return asdict(self)

    def text(self, digits: int = 3, *, percent: bool = False, signed: bool = False) -> str:
        """Write ``0.612 [0.580, 0.644]``, ``61.2 % [58.0, 64.4]`` or ``+0.031 [+0.004, +0.058]``."""
        if self.value is None:
            return NOT_DEFINED
        factor, unit = (100, " %") if percent else (1, "")
        form = f"{'+' if signed else ''}.{digits}f"
        value = f"{factor * self.value:{form}}{unit}"
        if self.low is None or self.high is None:
            return value
        return f"{value} [{factor * self.low:{form}}, {factor * self.high:{form}}]"

    def __str__(self) -> str:
        return self.text()

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low is not None and self.high is not None and self.low * self.high > 0


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; made by ``table``."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_markdown(self) -> str:
        """Markdown in GitHub's flavour."""
        lines = (self.header, ("---",) * len(self.header), *self.rows)
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def __str__(self) -> str:
        return self.to_markdown()

    def to_text(self) -> str:
        """Aligned columns; bold cells of Markdown are marked by a star."""
        rows = [[re.sub(BOLD, r"\1 *", cell) for cell in row] for row in (self.header, *self.rows)]
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(lines)


def table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> Table:
    """A table of cells of any kind as text, estimates with three digits."""
    return Table(tuple(map(str, header)), tuple(tuple(map(str, row)) for row in rows))


def count_judged(metric: str, *, images: int, malignant: int) -> int:
    """Number of images that a metric is about: of a sensitivity the ``malignant`` ones, of a specificity the others."""
    if metric.startswith("sensitivity"):
        return malignant
    return images - malignant if metric.startswith("specificity") else images
