"""Forms that other applications put on the clinic page, among its settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skinsite.accounts.actors import Actor


@dataclass(frozen=True, slots=True)
class Panel:
    """A form, or figures, of another application: its ``template`` shows as ``form`` what ``make_form`` gives."""

    template: str
    make_form: Callable[[Actor], Any]


PANELS: list[Panel] = []
"""In their order on the page; each application adds its own when it is ready."""
