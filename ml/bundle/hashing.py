"""Hashes of files: what tells whether a split, a bundle or a photograph is the one that was meant."""

import hashlib
import json
import struct
from pathlib import Path

from ml.errors import UserError

MOST_HEADER = 100_000_000


def hash_tensors(path: Path) -> str:
    """SHA-256 of a safetensors file's tensors, by name, in the order of their names: what tells whether two networks
    are one. The file's own hash does not: its header and metadata come in any order. Raises ``OSError``, and
    ``UserError`` for a file that is none."""
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
