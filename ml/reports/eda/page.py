"""The page as one HTML file: sections of figures, each with its content and its meaning for a model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ml.metrics.estimate import Table


@dataclass(frozen=True, slots=True)
class Image:
    """One image file beside the page; ``alt`` is its text alternative, ``label`` its caption among several."""

    file: str
    alt: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """Images shown together, with their content and its meaning for a model."""

    images: Sequence[Image]
    shows: str
    means: str
    size: str = "chart"
    """chart, wide (the whole column) or tiles (thumbnails side by side)."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with an anchor."""

    anchor: str
    title: str
    text: str
    figures: Sequence[Figure] = field(default=())
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page.

    ``tiles`` are its key numbers, each a value and its label; ``files`` lie beside the page, each a name and a
    description.
    """

    title: str
    lead: str
    tiles: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    files: Sequence[tuple[str, str]]
    credit: str


def write_page(page: Page, path: Path) -> None:
    """Render ``page.html`` of this package."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    path.write_text(environment.get_template("page.html").render(page=page), encoding="utf-8")
