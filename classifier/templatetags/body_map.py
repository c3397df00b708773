"""What the body map's templates ask for: the views, and the parts of a form's field."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString, mark_safe

from classifier.presentation.body_map import PIN, Pin, draw_views

register = template.Library()


@register.simple_tag
def body_map_views(pins: Sequence[Pin] = ()) -> list[dict[str, object]]:
    """Every view, with the pins on it."""
    return draw_views(pins or ())


@register.simple_tag
def pin_size() -> dict[str, float]:
    """Width and height of a pin's box."""
    return {"width": PIN[0], "height": PIN[1]}


@register.simple_tag
def place_parts(field: BoundField) -> dict[str, Any]:
    """The lists of a place's field by their names, each drawn and with its id; and the hidden inputs."""
    widget = field.field.widget
    attrs = field.build_widget_attrs({"id": field.auto_id}, widget)
    content = widget.get_context(field.html_name, field.value(), attrs)["widget"]["subwidgets"]
    names = list(widget.widgets_names)
    drawn: list[SafeString] = [_draw(field, part) for part in content]
    ids = [part["attrs"]["id"] for part in content]
    parts = {name.strip("_"): {"html": html, "id": one} for name, html, one in zip(names, drawn, ids, strict=True)}
    return {"site": parts["site"], "side": parts["side"], "hidden": [parts[name] for name in ("view", "x", "y")]}


def _draw(field: BoundField, part: dict[str, Any]) -> SafeString:
    text = field.form.renderer.render(part["template_name"], {"widget": part})
    return mark_safe(text)  # noqa: S308 drawn by Django's own template
