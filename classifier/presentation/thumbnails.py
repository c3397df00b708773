"""Thumbnails of a page whose one event names the photographs: their addresses say so, and need no event each.

A mark is of one member, one photograph and one hour, and lets nobody see anything: it only says that the trail has been
told already. An address without a mark, or whose mark is older than an hour or two, leaves an event of its own.
"""

import time
from collections.abc import Iterable

from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from classifier.models import LesionImage
from skinsite.accounts.actors import Actor

PARAMETER = "named"
HOUR = 3600  # seconds; a browser keeps a thumbnail for as long as its address stays the same
SALT = "classifier.presentation.thumbnails"
MARK_LENGTH = 32


def name_thumbnails(actor: Actor, images: Iterable[LesionImage]) -> list[LesionImage]:
    """Mark the photographs of a page; give them for the event that names them, which the page must write."""
    named = list(images)
    for image in named:
        image.thumbnail_mark = _mark(actor, image, _this_hour())
    return named


def thumbnail_address(image: LesionImage) -> str:
    """The address of a thumbnail, with its mark where the photograph is named."""
    address = reverse("image-thumbnail", args=[image.public_id])
    return f"{address}?{PARAMETER}={image.thumbnail_mark}" if image.thumbnail_mark else address


def is_named(actor: Actor, image: LesionImage, mark: str) -> bool:
    """Whether a mark says that the trail told, this hour or the one before, that the actor was shown a photograph."""
    hour = _this_hour()
    return any(constant_time_compare(mark, _mark(actor, image, each)) for each in (hour, hour - 1))


def _this_hour() -> int:
    return int(time.time() // HOUR)


def _mark(actor: Actor, image: LesionImage, hour: int) -> str:
    value = f"{actor.user_id or actor.service} {actor.clinic_id} {image.public_id} {hour}"
    return salted_hmac(SALT, value, algorithm="sha256").hexdigest()[:MARK_LENGTH]
