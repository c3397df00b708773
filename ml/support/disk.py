"""Disk space checks, atomic writes, and one-line disk errors."""

import fcntl
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ml.errors import UserError

MARGIN_BYTES = 50_000_000
"""Kept free for tables and reports that are written beside the images."""

Stamp = tuple[int, int, int]
"""Inode, size in bytes and modification time (ns) of a file."""


def check_space(directory: Path, needed: int) -> None:
    """Raise ``UserError`` if the disk of an existing directory has less than ``needed`` bytes and a margin free."""
    free = shutil.disk_usage(directory).free
    if free < needed + MARGIN_BYTES:
        raise UserError(
            f"{directory}: {(needed + MARGIN_BYTES) / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free; "
            "make room or choose a directory on another disk"
        )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn disk errors on writing ``path`` into a ``UserError`` of one line."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror or error}); make room or choose another directory"
        ) from error


@contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside ``path``, which replaces it if the block ends without an error.

    After an error or a kill the old file is unchanged. Raises ``OSError``.
    """
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text file atomically; raises ``UserError``."""
    with writing(path), part_of(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")


def read_json(path: Path) -> Any:
    """Load a JSON file; raises ``UserError`` for a missing or truncated one."""
    try:
        return json.loads(read_file(path))
    except ValueError as error:
        raise UserError(f"{path}: cannot be read as JSON; restore it, or start again in another folder") from error


@contextmanager
def owning(directory: Path, what: str) -> Iterator[None]:
    """Lock a directory for this process; raises ``UserError`` if another ``what`` holds it."""
    make_directory(directory)
    with writing(directory), (directory / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(
                f"{directory}: another {what} is at work here; wait for it, or give another --out"
            ) from None
        yield


def make_directory(path: Path) -> Path:
    """Create a directory and its parents, and return it; raises ``UserError``."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def stat_file(path: Path) -> os.stat_result:
    """A file's size and times; raises ``UserError`` naming it if it is missing."""
    try:
        return path.stat()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); copy it again, or mend its permissions") from error


def stamp_file(path: Path) -> Stamp | None:
    """A stamp that changes with a file or directory; None if it is missing."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns


def check_ends(path: Path) -> None:
    """Raise ``UserError`` for a pipe or a device, which has no end; ``OSError`` if it is missing."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UserError(f"{path}: is a pipe or a device, not a file; save what it gives in a file, and name that")


def read_file(path: Path) -> bytes:
    """A file's bytes; raises ``UserError`` naming it if it cannot be read or is a pipe."""
    try:
        check_ends(path)
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); copy it again, or mend its permissions") from error


def check_can_be_written(path: Path, *, not_over: Iterable[Path | None] = ()) -> None:
    """Raise ``UserError``, before minutes of work, if the result cannot be written or would overwrite the input."""
    for read in not_over:
        if read is not None and path.exists() and read.exists() and path.samefile(read):
            raise UserError(f"{path}: is read here, and would be written over; give another file")
    target = path if path.exists() else path.parent
    if path.is_dir() or not path.parent.is_dir() or not os.access(target, os.W_OK):
        raise UserError(f"{path}: cannot be written; give a file in a directory that exists and is writable.")
