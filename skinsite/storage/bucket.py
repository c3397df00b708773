"""Photographs in an S3 bucket. A module of its own, so that only those who use a bucket load its library."""

from typing import Any, NoReturn

from botocore.config import Config  # type: ignore[import-untyped] # botocore ships no types
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError  # type: ignore[import-untyped] # as above
from storages.backends.s3 import S3Storage

from skinsite.platform.breaker import Breaker
from skinsite.storage.private import PrivateAddressError

# Long enough for a browser to follow a redirect, too short to pass on.
SIGNED_SECONDS = 60

# What a request waits for a bucket; botocore's own are a minute each, several times over.
CONNECT_SECONDS = 3
READ_SECONDS = 10
TRIES = 3

_breaker = Breaker("bucket of photographs")


class BucketSilentError(Exception):
    """The bucket did not answer some seconds ago, and is not asked again yet."""


class PrivateS3Storage(S3Storage):  # type: ignore[misc] # django-storages ships no types
    """Objects of a private bucket, which have no address but a signed one.

    A bucket that has not answered in time is left alone for some seconds, so that those who wait for it do not take
    every thread: what is asked of it meanwhile fails at once.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        waits = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": TRIES},
        )
        said: Config = self.client_config
        self.client_config: Config = said.merge(waits)
        self.transfer_config.num_download_attempts = TRIES

    @property
    def connection(self) -> Any:
        """The connection of this thread."""
        is_new = getattr(self._connections, "connection", None) is None
        connection = super().connection
        if is_new:
            events = connection.meta.client.meta.events
            events.register("before-send.s3", _spare)
            events.register("needs-retry.s3", _note)
        return connection

    def url(self, name: str, *_arguments: object, **_options: object) -> NoReturn:
        """Refuse.

        Raises ``PrivateAddressError`` always.
        """
        raise PrivateAddressError(name)

    def signed_url(self, name: str, *, seconds: int = SIGNED_SECONDS) -> str:
        """An address that works for some seconds, for a view that has granted and recorded access; none gives one out
        yet, all stream."""
        return str(super().url(name, expire=min(seconds, SIGNED_SECONDS)))


def _spare(**_event: Any) -> None:
    """Before a request is sent: fail at once while the bucket is left alone."""
    if _breaker.is_open():
        raise BucketSilentError("The bucket did not answer some seconds ago.")


def _note(caught_exception: Exception | None = None, **_event: Any) -> None:
    """After a request: note whether it was answered."""
    if isinstance(caught_exception, ConnectTimeoutError | ReadTimeoutError):
        _breaker.trip(caught_exception)
    elif caught_exception is None:
        _breaker.reset()
