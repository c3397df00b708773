"""The secret of a laptop: random, made at the first start, kept beside its data."""

import os
import secrets
from pathlib import Path


def local_secret(directory: Path) -> str:
    """Read the secret key kept in a directory, or make one that only its owner can read."""
    path = directory / "secret_key"
    directory.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        secret = secrets.token_urlsafe(48)
        file.write(secret)
    return secret
