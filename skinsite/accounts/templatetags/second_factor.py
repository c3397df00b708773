"""What pages about the second factor ask."""

import json
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.template import Context

from skinsite.accounts.second_factor import has_to_enrol as asks_to_enrol

register = template.Library()


@register.simple_tag(takes_context=True)
def has_to_enrol(context: Context) -> bool:
    """Whether the page's reader can do nothing else before a second factor is set up."""
    return asks_to_enrol(context["request"])


@register.filter
def as_json(value: Any) -> str:
    """The value as JSON, for an attribute that a script reads."""
    return json.dumps(value, cls=DjangoJSONEncoder)
