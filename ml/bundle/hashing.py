"""SHA-256 of files, which identify a split, a bundle or a photograph."""

import hashlib
import json
import struct
from pathlib import Path

from ml.errors import UserError

MOST_HEADER = 100_000_000


def hash_tensors(path: Path) -> str:
    """SHA-256 of a safetensors file's tensors, sorted by name, which identifies a network.

    The hash of the file does not, since header and metadata have no fixed order. Raises ``OSError``, and ``UserError``
    for a file of another format.
    """
    with path.open("rb") as file:
        try:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, MOST_HEADER)))
        except (struct.error, ValueError) as error:
            raise UserError(f"{path}: cannot be read as safetensors; restore it") from error
        digest = hashlib.sha256()
        for name in sorted(header.keys() - {"__metadata__"}):
            start, end = header[name]["data_offsets"]
            file.seek(8 + length + start)
            digest.update(f"{name} {header[name]['dtype']} {header[name]['shape']}\n".encode())
            digest.update(file.read(end - start))
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal. Raises ``OSError`` if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
