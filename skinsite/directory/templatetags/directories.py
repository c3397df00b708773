"""Which directories a page offers."""

from django import template
from django.conf import settings

from skinsite.directory.configuration import directories_of
from skinsite.settings.directories import Directory

register = template.Library()


@register.simple_tag
def all_directories() -> list[Directory]:
    """Every directory, for the sign-in page."""
    return list(settings.DIRECTORIES)


@register.simple_tag
def clinic_directories(slug: str) -> list[Directory]:
    """The directories of one clinic."""
    return directories_of(slug)
