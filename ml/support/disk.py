"""Room on the disk, looked for before it is needed, and a line for when it ends all the same."""

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
"""Kept free for the tables and reports that are written beside the images."""

Stamp = tuple[int, int, int]
"""Inode, bytes and time of change (ns) of a file."""


def check_space(directory: Path, needed: int) -> None:
    """Raise ``UserError`` if the disk of an existing directory has not ``needed`` bytes free, and some more."""
    free = shutil.disk_usage(directory).free
    if free < needed + MARGIN_BYTES:
        raise UserError(
            f"{directory}: {(needed + MARGIN_BYTES) / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free; "
            "make room or choose a directory on another disk"
        )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell in one line what the disk says against writing ``path``."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror or error}); make room or choose another directory"
        ) from error


@contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """A part beside ``path`` to write, which takes its place when the block ends without an error: what a disk
    refuses, or a kill cuts off, leaves the file that was there. Raises ``OSError``."""
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all; raises ``UserError``."""
    with writing(path), part_of(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")


def read_json(path: Path) -> Any:
    """What a JSON file holds; raises ``UserError`` for one that is not there or was cut off."""
    try:
        return json.loads(read_file(path))
    except ValueError as error:
        raise UserError(f"{path}: cannot be read as JSON; restore it, or start anew in another folder") from error


@contextmanager
def owning(directory: Path, what: str) -> Iterator[None]:
    """Keep a directory to this process: two of ``what`` in one would write the same files, so the second is a
    ``UserError``."""
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
    """Make a directory and those above it, and return it; raises ``UserError`` if it cannot be."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def stat_file(path: Path) -> os.stat_result:
    """A file's size and times; raises ``UserError`` naming it if it is not there."""
    try:
        return path.stat()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); copy it again, or mend its permissions") from error


def stamp_file(path: Path) -> Stamp | None:
    """What changes when a file or directory does; None where it is not there."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns


def check_ends(path: Path) -> None:
    """Raise ``UserError`` for a pipe or a device, whose end a reader would wait for; ``OSError`` if it is not there."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UserError(f"{path}: is a pipe or a device, not a file; save what it gives in a file, and name that")


def read_file(path: Path) -> bytes:
    """A file's bytes; raises ``UserError`` naming it if it cannot be read, or is a pipe."""
    try:
        check_ends(path)
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); copy it again, or mend its permissions") from error


def check_can_be_written(path: Path, *, not_over: Iterable[Path | None] = ()) -> None:
    """Raise ``UserError`` before minutes of work whose result could not be kept, or would lie over what is read."""
    for read in not_over:
        if read is not None and path.exists() and read.exists() and path.samefile(read):
            raise UserError(f"{path}: is read here, and would be written over; give another file")
    target = path if path.exists() else path.parent
    if path.is_dir() or not path.parent.is_dir() or not os.access(target, os.W_OK):
        raise UserError(f"{path}: cannot be written; give a file in a directory that exists and is writable.")
