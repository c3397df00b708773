"""Refresh tokens at rest: encrypted (Fernet: AES-128-CBC and HMAC-SHA-256) by a key that is derived from SECRET_KEY.

A copy of the database alone opens none. With a new SECRET_KEY those under SECRET_KEY_FALLBACKS are still read.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

SALT = "skinsite.directory.refresh_token"


def encrypt(secret: str) -> str:
    """The secret, closed; of none none."""
    return _keys().encrypt(secret.encode()).decode() if secret else ""


def decrypt(closed: str) -> str:
    """The secret, opened; empty if no key of this site opens it."""
    try:
        return _keys().decrypt(closed.encode()).decode() if closed else ""
    except InvalidToken:
        return ""


def _keys() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    digests = (salted_hmac(SALT, "", secret=key, algorithm="sha256").digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
