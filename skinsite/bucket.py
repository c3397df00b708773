"""Photographs in an S3 bucket. Apart from `skinsite.storage`, so that only those who use a bucket load its library."""

from typing import NoReturn

from storages.backends.s3 import S3Storage

from skinsite.storage import PrivateAddressError

# Long enough for a browser to follow a redirect, too short to pass on.
SIGNED_SECONDS = 60


class PrivateS3Storage(S3Storage):  # type: ignore[misc] # django-storages ships no types
    """Objects of a private bucket, told to a browser only by `signed_url`."""

    def url(self, name: str, *_arguments: object, **_options: object) -> NoReturn:
        """Refuse.

        Raises:
            PrivateAddressError: always.
        """
        raise PrivateAddressError(name)

    def signed_url(self, name: str, *, seconds: int = SIGNED_SECONDS) -> str:
        """An address that works for some seconds, made after access was granted and recorded."""
        return str(super().url(name, expire=min(seconds, SIGNED_SECONDS)))
