"""A bundle's array files (.npz): headers are checked before anything is unpacked."""

import io
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Shapes = Mapping[str, tuple[int, ...]]

SUFFIX = ".npy"
LARGEST_ARRAY = 256_000_000
"""Largest size in bytes, unpacked, of one array and of all arrays of a file."""
DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError, OverflowError)
BAD_HEADER = (ValueError, TypeError, SyntaxError, MemoryError, tokenize.TokenError)
"""NumPy's exceptions for an invalid or oversized header."""
ALLOWED_KINDS = "fiuSb"
"""Numbers and short byte strings, but no objects, which would be pickles."""


def read_arrays(content: bytes, declared: Shapes | None = None) -> dict[str, Array]:
    """Arrays of an .npz file by name; shapes must equal the ``declared`` ones.

    Raises ``ValueError`` with the reason: damaged, an array twice, too large, of another shape than declared.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_members(members)
            arrays = {member.filename.removesuffix(SUFFIX): _read_one(archive, member) for member in members}
    except DAMAGED as error:
        raise ValueError("is damaged") from error
    found = shapes_of(arrays)
    if declared is not None and found != dict(declared):
        names = sorted(name for name in {*found, *declared} if found.get(name) != declared.get(name))
        raise ValueError(f"has other shapes than its manifest declares (first {names[0]})")
    return arrays


def shapes_of(arrays: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
    """Shape of each array, as a manifest declares it."""
    return {name: tuple(array.shape) for name, array in arrays.items()}


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise ValueError("names an array twice")
    if any(not name.endswith(SUFFIX) or "/" in name or "\\" in name or not name.isprintable() for name in names):
        raise ValueError("holds something else than arrays")
    size = sum(member.file_size for member in members)
    if size > LARGEST_ARRAY:
        raise ValueError(f"unpacks to {size / 1e6:.0f} MB (limit {LARGEST_ARRAY / 1e6:.0f} MB)")


def _read_one(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    with archive.open(member) as file:
        content = file.read(member.file_size + 1)
    stream = io.BytesIO(content)
    try:
        shape, kind = _read_header(stream)
    except BAD_HEADER as error:
        raise ValueError(f"has a damaged array in {member.filename}") from error
    if kind.kind not in ALLOWED_KINDS or kind.hasobject:
        raise ValueError(f"holds no numbers in {member.filename}")
    count = int(np.prod(shape, dtype=object)) if shape else 1  # exact: a forged shape overflows 64 bits
    if any(side < 0 for side in shape) or count * kind.itemsize != len(content) - stream.tell():
        raise ValueError(f"has a damaged array in {member.filename}")
    array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    if kind.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"has numbers that are not finite in {member.filename}")
    return array


def _read_header(stream: io.BytesIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = read_header(stream)
    return shape, kind
