"""A place on the body as it is chosen: a site with a side, and perhaps the point on the figure."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from classifier.anatomy.figure import site_at
from classifier.anatomy.sites import SITES

NEAR = 0.002
"""Of a view: a browser's curves and the server's polygons differ by less."""

FAULTS = {
    "site": _("Choose the site."),
    "side": _("Choose the side: the patient's left or right, the midline, or not known."),
    "impossible": _("This site has no such side."),
    "elsewhere": _("The point on the figure is not at the site and side chosen. Choose it again."),
}
"""What can be wrong with a place, by code."""


@dataclass(frozen=True)
class Place:
    """Where on the body: a site and a side, and where it was chosen on the figure, the point (0 to 1) on its view."""

    site: str
    side: str
    view: str = ""
    x: float | None = None
    y: float | None = None

    @property
    def body_site(self) -> str:
        """The localisation of HAM10000 to which the site belongs."""
        return SITES[self.site].body_site


def find_fault(place: Place) -> str:
    """The code of what is wrong with a place, a key of ``FAULTS``; empty for a whole one."""
    if place.site not in SITES:
        return "site"
    if not place.side:
        return "side"
    if not SITES[place.site].allows(place.side):
        return "impossible"
    return "" if not place.view or _lies_there(place) else "elsewhere"


def _lies_there(place: Place) -> bool:
    """Whether the point of the figure belongs to the site and side, or lies as good as on its edge."""
    if place.x is None or place.y is None:
        return False
    around = ((dx, dy) for dx in (0, -NEAR, NEAR) for dy in (0, -NEAR, NEAR))
    return any(site_at(place.view, place.x + dx, place.y + dy) == (place.site, place.side) for dx, dy in around)
