"""The bytes of photographs in the private storage, each under its photograph's UUID; heat-maps under the reading's."""

import hashlib
import logging
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import IO

from django.core.files.base import ContentFile
from django.db.models import Sum
from django.utils.translation import gettext_lazy

from classifier.models import LesionImage, Prediction
from classifier.models.photograph import NAME_LENGTH, THUMBNAILS, name_thumbnail
from classifier.models.prediction import HEAT_MAPS
from ml.serve.image_io import StoredImage
from skinsite.accounts.actors import Actor
from skinsite.platform.problems import DomainError
from skinsite.storage.private import private_storage
from skinsite.text import clean_line

log = logging.getLogger(__name__)

IMAGES = "images"
THUMBNAIL_SIDE = 320
EXTENSIONS = {"jpeg": "jpg", "png": "png"}


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """The storage names of a photograph and of its thumbnail."""

    image: str
    thumbnail: str


class StorageUnavailableError(DomainError):
    """The storage does not answer; trying again later may help."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "storage_unavailable"
    sentence = gettext_lazy("The image storage does not answer. Try again in a minute.")
    retry_after = 60


class DamagedPhotographError(DomainError):
    """The stored bytes of a photograph are not those that were kept; only a backup helps."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "photograph_damaged"
    sentence = gettext_lazy(
        "The stored photograph is damaged or was exchanged, and is not shown; tell the site's administrator."
    )


class NotKeptError(StorageUnavailableError):
    """The storage does not answer, so that a photograph was not kept."""

    sentence = gettext_lazy("The image storage does not answer, so nothing was kept. Try again in a minute.")


def keep(stored: StoredImage, public_id: uuid.UUID) -> KeptFiles:
    """Save a photograph and its thumbnail; leaves neither, and raises ``NotKeptError``, when it cannot.

    ``stored`` has a thumbnail of ``THUMBNAIL_SIDE``.
    """
    names = KeptFiles(f"{IMAGES}/{public_id}.{EXTENSIONS[stored.format]}", name_thumbnail(public_id))
    storage = private_storage()
    try:
        storage.save(names.thumbnail, ContentFile(stored.thumbnail))
        storage.save(names.image, ContentFile(stored.data))
    except Exception as error:  # each kind of storage raises its own
        discard(names)
        raise NotKeptError(f"{names.image} cannot be saved: {error}") from error
    return names


def discard(names: KeptFiles) -> None:
    """Delete a photograph and its thumbnail as far as they are there; what stays, ``sweep_storage`` finds."""
    storage = private_storage()
    for name in (names.image, names.thumbnail):
        try:
            storage.delete(name)
        except Exception:  # the error that led here is the one to tell
            log.exception("%s could not be deleted", name)


def read_stored(image: LesionImage) -> bytes:
    """Give the bytes that every reading of a photograph is computed from.

    Raises ``FileNotFoundError`` when they are gone and ``StorageUnavailableError`` when nobody can say.
    """
    try:
        with open_stored(image.stored_name) as file:
            return file.read()
    except (FileNotFoundError, StorageUnavailableError):
        raise
    except Exception as error:  # each kind of storage raises its own
        raise StorageUnavailableError(f"{image.stored_name} cannot be read: {error}") from error


def read_checked(image: LesionImage) -> bytes:
    """Give a photograph's bytes if they are those that were kept; raises ``DamagedPhotographError``, and as
    ``read_stored`` does."""
    data = read_stored(image)
    if hashlib.sha256(data).hexdigest() != image.stored_sha256:
        raise DamagedPhotographError(f"{image.stored_name} has another hash than when it was kept")
    return data


def read_heat_map(prediction: Prediction) -> bytes | None:
    """Give the kept heat-map of a reading; None where none is kept, or it cannot be had."""
    try:
        with open_stored(prediction.heat_map_name) as file:
            return file.read()
    except FileNotFoundError:
        return None
    except Exception as error:  # noqa: BLE001 each kind of storage raises its own
        log.warning("The kept heat-map %s cannot be read: %s", prediction.heat_map_name, error)
        return None


def keep_heat_map(prediction: Prediction, png: bytes) -> None:
    """Save the heat-map of a reading, in the place of one kept before; raises ``StorageUnavailableError``."""
    try:
        private_storage().save(prediction.heat_map_name, ContentFile(png))
    except Exception as error:  # each kind of storage raises its own
        raise StorageUnavailableError(f"{prediction.heat_map_name} cannot be saved: {error}") from error


def open_stored(name: str) -> IO[bytes]:
    """Open a photograph or a thumbnail by its storage name; raises as ``read_stored`` does."""
    try:
        file: IO[bytes] = private_storage().open(name)
    except FileNotFoundError:
        raise
    except Exception as error:  # each kind of storage raises its own
        raise StorageUnavailableError(f"{name} cannot be opened: {error}") from error
    return file


def list_stored() -> list[str]:
    """The names of all stored photographs, thumbnails and heat-maps."""
    names = []
    for folder in (IMAGES, THUMBNAILS, HEAT_MAPS):
        try:
            _folders, files = private_storage().listdir(folder)
        except FileNotFoundError:  # nothing was ever stored there
            continue
        names += [f"{folder}/{name}" for name in files]
    return names


def modified_at(name: str) -> datetime | None:
    """When an object was written; None when it has gone."""
    try:
        return private_storage().get_modified_time(name)
    except FileNotFoundError:
        return None


def delete(name: str) -> None:
    """Delete an object; one that has gone is no error."""
    private_storage().delete(name)


def clean_name(name: str) -> str:
    """Make a file name fit to be shown: its last part, no control or direction characters, at most 120 long."""
    return clean_line(re.split(r"[\\/]", name)[-1])[:NAME_LENGTH].strip()


@dataclass(frozen=True, slots=True)
class StorageUse:
    """Bytes that the photographs of a clinic take up, and may take up: 0 without a limit.

    Those entered in error count too, since they are kept; thumbnails and heat-maps, a few per cent, do not.
    """

    used: int
    limit: int

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more are within the limit."""
        return not self.limit or self.used + size <= self.limit


def storage_use(actor: Actor) -> StorageUse:
    """How the actor's clinic stands with its limit."""
    total = LesionImage.objects.visible_to(actor).aggregate(total=Sum("stored_bytes"))["total"]
    return StorageUse(total or 0, actor.clinic.storage_bytes)
