"""Safe reading of files of unknown origin: regular, no link, limited in size."""

import errno
import os
import stat
from pathlib import Path

MEGABYTE = 1_000_000


def read_regular(path: Path, at_most: int) -> bytes:
    """The bytes of a regular file of at most ``at_most`` bytes.

    Raises ``ValueError`` naming what it is instead (a link, a directory, a pipe, too large) and ``OSError`` if it
    cannot be read. Never blocks on a pipe.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ValueError("is a symbolic link") from error
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise ValueError("is not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        content = b"" if status.st_size > at_most else file.read(at_most + 1)
    if status.st_size > at_most or len(content) > at_most:
        size = max(status.st_size, len(content)) / MEGABYTE
        raise ValueError(f"has {size:.1f} MB (limit {at_most / MEGABYTE:g} MB)")
    return content
