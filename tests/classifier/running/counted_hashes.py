"""Settings of a server that writes down every hash of a password that it makes: a byte each, for all its processes."""

import os
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher

from skinsite.settings.development import *  # noqa: F403 settings are layered


class CountedHasher(Argon2PasswordHasher):
    """The site's own, counted in the file that HASHES names."""

    def encode(self, *arguments: Any, **options: Any) -> str:
        """Hash."""
        _count()
        return super().encode(*arguments, **options)

    def verify(self, *arguments: Any, **options: Any) -> bool:
        """Hash and compare."""
        _count()
        return super().verify(*arguments, **options)


def _count() -> None:
    file = os.open(os.environ["HASHES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, b".")
    finally:
        os.close(file)


PASSWORD_HASHERS = ["tests.classifier.running.counted_hashes.CountedHasher"]
