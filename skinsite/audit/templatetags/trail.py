"""How the pages of the trail write times and answers."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django import template

from skinsite.audit.words import details_in_words
from skinsite.platform.problems import TITLES
from skinsite.zones import write_moment

register = template.Library()


@register.filter
def moment(at: datetime) -> str:
    """To the second, in the reader's zone."""
    return write_moment(at, seconds=True)


@register.filter
def in_brief(details: dict[str, Any]) -> str:
    """What was recorded beside an event, as short as a row is."""
    return details_in_words(details, brief=True)


@register.filter
def status_in_words(status: int) -> str:
    """What an answer of this status says."""
    return str(TITLES.get(status) or HTTPStatus(status).phrase)
