"""The place of a lesion in a form: site and side by two lists, and by the body map the point as well."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import pgettext_lazy

from classifier.anatomy.figure import View
from classifier.anatomy.place import FAULTS, Place, find_fault
from classifier.anatomy.sites import Side, offer_sites


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
    default_error_messages = {**FAULTS}

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
        place = Place(*data_list)
        fault = find_fault(place)
        if fault:
            raise ValidationError(self.error_messages[fault], code=fault)
        return place
