"""Secrets at rest: encrypted (Fernet: AES-128-CBC and HMAC-SHA-256) by keys that are derived from SECRET_KEY.

A copy of the database alone opens none. With a new SECRET_KEY those under SECRET_KEY_FALLBACKS are still read.
"""

import base64
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac


@dataclass(frozen=True, slots=True)
class Cipher:
    """What closes and opens secrets of one purpose; those of another it does not open. A purpose stays for good."""

    purpose: str

    def encrypt(self, secret: str) -> str:
        """The secret, closed; of none none."""
        return self._keys().encrypt(secret.encode()).decode() if secret else ""

    def decrypt(self, closed: str) -> str:
        """The secret, opened; empty if no key of this site opens it."""
        try:
            return self._keys().decrypt(closed.encode()).decode() if closed else ""
        except InvalidToken:
            return ""

    def _keys(self) -> MultiFernet:
        keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        digests = (salted_hmac(self.purpose, "", secret=key, algorithm="sha256").digest() for key in keys)
        return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
