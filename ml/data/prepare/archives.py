"""Zip archives of images and tables from untrusted sources."""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from ml.errors import UserError

MAX_MEMBER_BYTES = 100_000_000
MAX_RATIO = 200
"""Largest compression ratio. Photographs hardly shrink and tables tenfold; a zip bomb shrinks a thousandfold."""
SMALL = 1_000_000
"""Bytes below which a member may have any ratio, as plain masks have."""


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip and check its members. Raises ``UserError`` for damage, also while members are read."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UserError(f"{path}: is not a whole zip ({error}); remove it and download it again") from error
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; give the zip") from error


def list_files(archive: zipfile.ZipFile, suffixes: tuple[str, ...]) -> list[zipfile.ZipInfo]:
    """Members with one of these suffixes, sorted by name, without those that macOS adds."""
    members = (member for member in archive.infolist() if not member.is_dir())
    wanted = [member for member in members if is_wanted(PurePosixPath(member.filename), suffixes)]
    return sorted(wanted, key=lambda member: member.filename)


def is_wanted(path: PurePosixPath | Path, suffixes: tuple[str, ...]) -> bool:
    """Whether a file has one of these suffixes and is not hidden."""
    return path.suffix.lower() in suffixes and not path.name.startswith(".") and "__MACOSX" not in path.parts


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    packed = 0
    for member in archive.infolist():
        packed += member.compress_size
        problem = _find_problem(member)
        if problem is not None:
            raise UserError(f"{path}: {member.filename!r} {problem}; download the archive from its official address")
    if packed > path.stat().st_size:
        raise UserError(f"{path}: its members overlap; download the archive from its official address")


def _find_problem(member: zipfile.ZipInfo) -> str | None:
    windows = PureWindowsPath(member.filename)
    if windows.drive or windows.root or ".." in windows.parts:
        return "leads out of the folder that it is unpacked to"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link"
    if member.flag_bits & 1:
        return "is encrypted"
    if member.file_size > MAX_MEMBER_BYTES:
        return f"unpacks to {member.file_size / 1e6:.0f} MB, over {MAX_MEMBER_BYTES // 1_000_000}"
    if member.file_size > SMALL and member.file_size > MAX_RATIO * max(member.compress_size, 1):
        return f"unpacks to over {MAX_RATIO} times its packed size"
    return None
