"""The admin's menu: each application adds what it has when it is ready."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A list in the admin, for those whom ``is_for`` lets in; ``model`` is as in addresses, such as accounts_clinic.

    The item of the lowest ``place`` comes first, and is where the admin opens.
    """

    place: int
    title: str | Promise
    icon: str
    model: str
    is_for: Callable[[HttpRequest], bool]

    @property
    def address(self) -> str:
        """Where the list is."""
        return reverse(f"admin:{self.model}_changelist")

    def describe(self) -> dict[str, Any]:
        """The item as the admin's theme takes it."""
        return {"title": self.title, "icon": self.icon, "link": self.address, "permission": self.is_for}


MENU: list[MenuItem] = []


def navigation(_request: HttpRequest) -> list[dict[str, Any]]:
    """The whole menu, as the admin's theme takes it; the theme asks whom each item is for."""
    return [{"items": [item.describe() for item in _in_order()]}]


def first_page(request: HttpRequest) -> str:
    """The address of the first list that is for whoever asks. Raises ``PermissionDenied`` where none is."""
    for item in _in_order():
        if item.is_for(request):
            return item.address
    raise PermissionDenied


def _in_order() -> list[MenuItem]:
    return sorted(MENU, key=lambda item: item.place)
