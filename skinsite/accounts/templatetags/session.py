"""How long somebody stays signed in, for a page to say so in time."""

from django import template
from django.template import Context

from skinsite.accounts.middleware import seconds_left

register = template.Library()


@register.simple_tag(takes_context=True)
def session_seconds(context: Context) -> int:
    """Seconds until the session of the page's reader ends if nothing happens in it."""
    return seconds_left(context["request"])
