"""Whether there is room for another photograph: within the clinic's limit, and on the disk."""

import logging
import shutil
from http import HTTPStatus
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from classifier import audit
from classifier.storage import storage_use
from skinsite.accounts.actors import Actor
from skinsite.platform import disk
from skinsite.platform.problems import DomainError, Problem
from skinsite.storage.private import PrivateFileSystemStorage, private_storage

log = logging.getLogger(__name__)

GIGABYTE = 1_000_000_000


class ClinicStorageFullError(DomainError):
    """The photographs of a clinic take up what they may."""

    status = HTTPStatus.CONFLICT
    code = "clinic_storage_full"
    sentence = gettext_lazy("The clinic's storage is full.")

    def __init__(self, limit: int) -> None:
        super().__init__(f"limit of {limit} bytes")
        self.limit = limit

    def problem(self) -> Problem:
        """What to answer: the limit, and whom to ask."""
        text = _(
            "The photographs of this clinic take up the %(limit)s GB that they may, so this one was not kept. "
            "Ask whoever runs this site for a higher limit; sending it again does not help."
        )
        return Problem(self.status, text % {"limit": f"{self.limit / GIGABYTE:g}"}, self.code)


class DiskNearlyFullError(DomainError):
    """What is left on the disk is kept for the database and for what is being read."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "disk_full"
    sentence = disk.SENTENCE
    retry_after = 60


def require_room(*, actor: Actor, size: int) -> None:
    """Refuse a photograph for which there is no room, before it is decoded; ``size`` is of the upload, in bytes.

    Raises ``ClinicStorageFullError`` or ``DiskNearlyFullError``.
    """
    try:
        require_share(actor=actor, size=size)
    except ClinicStorageFullError:
        record_refusal(actor=actor, size=size)
        raise
    if isinstance(private_storage(), PrivateFileSystemStorage):
        folder = Path(settings.MEDIA_ROOT)
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if shutil.disk_usage(there).free < settings.FREE_DISK_BYTES + size:
            raise DiskNearlyFullError(f"less than {settings.FREE_DISK_BYTES} bytes would be left in {there}")


def require_share(*, actor: Actor, size: int) -> None:
    """Refuse bytes that the clinic may not take up any more; with the clinic locked, none can come in between.

    Raises ``ClinicStorageFullError``.
    """
    if actor.clinic.storage_bytes:
        use = storage_use(actor)
        if not use.has_room(size):
            raise ClinicStorageFullError(use.limit)


def record_refusal(*, actor: Actor, size: int) -> None:
    """Leave a trace of a photograph that had no room, outside of the transaction that it ended."""
    log.warning("An upload of %d bytes was refused: the clinic's storage is full", size)
    audit.image_refused(actor=actor, code=ClinicStorageFullError.code, size=size)
