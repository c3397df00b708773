"""Whether there is room on the disks that uploads need: a full one is told before the first upload fails."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from django.conf import settings
from django.db import connection

from skinsite.health.registry import CheckResult, register_check
from skinsite.platform.disk import is_full

# An ordinary photograph as it comes in and as it is kept.
ROOM_BYTES = 5_000_000


def folders() -> dict[str, Path]:
    """The folders that grow with every upload, by what lies there; a bucket and a database server are elsewhere."""
    found = {"uploads that come in": Path(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir())}
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite" and Path(name).is_file():
        found["the database"] = Path(name).parent
    if settings.STORAGES["default"]["BACKEND"] == "skinsite.storage.private.PrivateFileSystemStorage":
        found["photographs"] = Path(settings.MEDIA_ROOT)
    return {what: _existing(folder) for what, folder in found.items()}


@register_check("room")
def check_room() -> CheckResult:
    """There is room for another photograph where it comes in, is kept and is written of."""
    full = [f"{what} ({folder})" for what, folder in folders().items() if not has_room(folder)]
    if not full:
        return CheckResult(ok=True)
    least = ROOM_BYTES // 1_000_000
    return CheckResult(
        ok=False,
        detail=f"less than {least} MB left for {', '.join(full)}",
        remedy="Make room on this disk, or move the folder to a larger one; what was saved is safe.",
    )


@register_check("free_space", needed_for_ready=False)
def check_free_space() -> CheckResult:
    """Uploads are still taken in: more is left than is kept free."""
    low = [f"{what} ({folder})" for what, folder in folders().items() if _is_low(folder)]
    if not low:
        return CheckResult(ok=True)
    return CheckResult(
        ok=False,
        detail=f"less than {settings.FREE_DISK_BYTES // 1_000_000} MB left for {', '.join(low)}; uploads are refused",
        remedy="Make room on this disk, or move the folder to a larger one; FREE_DISK_MEGABYTES is what is kept free.",
    )


def _is_low(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < settings.FREE_DISK_BYTES


def has_room(folder: Path, size: int = ROOM_BYTES) -> bool:
    """Whether so many bytes more can be kept in a folder; where the system can, they are reserved to find out."""
    if shutil.disk_usage(folder).free < size:
        return False
    reserve = getattr(os, "posix_fallocate", None)
    if reserve is None:
        return True
    with contextlib.suppress(PermissionError), tempfile.TemporaryFile(dir=folder) as file:  # others tell of rights
        try:
            reserve(file.fileno(), 0, size)
        except OSError as error:
            return not is_full(error)
    return True


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())
