"""Forms that other applications put on the clinic page, among its settings."""

from collections.abc import Callable
from dataclasses import dataclass

from django.forms import Form

from skinsite.accounts.models import Membership


@dataclass(frozen=True, slots=True)
class Panel:
    """A form of another application: its ``template`` shows ``form``, as ``make_form`` gives it to an administrator."""

    template: str
    make_form: Callable[[Membership], Form]


PANELS: list[Panel] = []
"""In their order on the page; each application adds its own when it is ready."""
