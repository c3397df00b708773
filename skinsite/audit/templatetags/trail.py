"""How the pages of the trail write times and answers."""

from datetime import datetime
from http import HTTPStatus

from django import template

from skinsite.platform.problems import TITLES
from skinsite.zones import write_moment

register = template.Library()


@register.filter
def moment(at: datetime) -> str:
    """To the second, in the reader's zone."""
    return write_moment(at, seconds=True)


@register.filter
def status_in_words(status: int) -> str:
    """What an answer of this status says."""
    return str(TITLES.get(status) or HTTPStatus(status).phrase)
