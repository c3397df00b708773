"""The page: sections of figures, each with what it shows and what it means for a model, as one HTML file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ml.metrics.estimate import Table


@dataclass(frozen=True, slots=True)
class Image:
    """One image file beside the page; ``alt`` is read aloud, ``label`` stands under it where there are several."""

    file: str
    alt: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """Images that are read together: what they show, and what that means for a model."""

    images: Sequence[Image]
    shows: str
    means: str
    size: str = "chart"
    """chart, wide (the whole column) or tiles (small pictures side by side)."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page that one can link to."""

    anchor: str
    title: str
    text: str
    figures: Sequence[Figure] = field(default=())
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page; ``tiles`` are its few leading numbers, each a value and what it counts;
    ``files`` lie beside the page, each a name and what it holds."""

    title: str
    lead: str
    tiles: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    files: Sequence[tuple[str, str]]
    credit: str


def write_page(page: Page, path: Path) -> None:
    """Render ``page.html`` beside this module."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    path.write_text(environment.get_template("page.html").render(page=page), encoding="utf-8")
