"""The place of a lesion in a form: site and side by two lists, and by the body map the point as well."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from classifier.anatomy.figure import View, site_at
from classifier.anatomy.sites import SITES, Side, offer_sites

NEAR = 0.002
"""Of a view: a browser's curves and the server's polygons differ by less."""


@dataclass(frozen=True)
class Place:
    """Where on the body: a site and a side, and where it was chosen on the figure, the point (0 to 1) on its view."""

    site: str
    side: str
    view: str = ""
    x: float | None = None
    y: float | None = None


class PlaceWidget(forms.MultiWidget):
    """Two lists, and what the figure fills in."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        sites = [("", pgettext_lazy("site of the body", "Choose")), *offer_sites()]
        sides = [("", pgettext_lazy("side of the body", "Choose")), *Side.choices]
        hidden = {name: forms.HiddenInput() for name in ("view", "x", "y")}
        super().__init__({"site": forms.Select(choices=sites), "side": forms.Select(choices=sides), **hidden}, attrs)

    def decompress(self, value: Place | None) -> list[Any]:
        """The parts of a place, in the order of the lists and inputs."""
        return [value.site, value.side, value.view, value.x, value.y] if value else [None] * 5


class PlaceField(forms.MultiValueField):
    """Gives a ``Place``, or None where nothing need be chosen and nothing was.

    A side is never assumed: a site without a side is an error, and *not known* a choice.
    """

    widget = PlaceWidget
    default_error_messages = {
        "site": _("Choose the site."),
        "side": _("Choose the side: the patient's left or right, the midline, or not known."),
        "impossible": _("This site has no such side."),
        "elsewhere": _("The point on the figure is not at the site and side chosen. Choose it again."),
    }

    def __init__(self, *, required: bool = True, **kwargs: Any) -> None:
        fields = (
            forms.ChoiceField(choices=[("", ""), *offer_sites()], required=False),
            forms.ChoiceField(choices=[("", ""), *Side.choices], required=False),
            forms.ChoiceField(choices=[("", ""), *View.choices], required=False),
            forms.FloatField(required=False, min_value=0, max_value=1),
            forms.FloatField(required=False, min_value=0, max_value=1),
        )
        super().__init__(fields, require_all_fields=False, required=required, **kwargs)

    def compress(self, data_list: list[Any]) -> Place | None:
        """Check the parts against one another. Raises ValidationError."""
        if not data_list:
            return None
        site, side, view, x, y = data_list
        if not site:
            raise self._error("site")
        if not side:
            raise self._error("side")
        if not SITES[site].allows(side):
            raise self._error("impossible")
        if not view:
            return Place(site, side)
        if x is None or y is None or not lies_at(view, x, y, site=site, side=side):
            raise self._error("elsewhere")
        return Place(site, side, view, x, y)

    def _error(self, code: str) -> ValidationError:
        return ValidationError(self.error_messages[code], code=code)


def lies_at(view: str, x: float, y: float, *, site: str, side: str) -> bool:
    """Whether a point of the figure belongs to a site and side, or lies as good as on its edge."""
    around = ((dx, dy) for dx in (0, -NEAR, NEAR) for dy in (0, -NEAR, NEAR))
    return any(site_at(view, x + dx, y + dy) == (site, side) for dx, dy in around)
