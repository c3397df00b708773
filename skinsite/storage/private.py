"""Where photographs lie: in local files or in a bucket, as the environment says, and never at an address of their own.

Bytes leave through the one view that asks the policy and writes the audit trail.
"""

from typing import NoReturn

from django.core.files.storage import FileSystemStorage, Storage, default_storage


class PrivateAddressError(RuntimeError):
    """Something asked a stored photograph for a public address; there is none."""

    def __init__(self, name: str | None) -> None:
        super().__init__(f"{name} is private and has no address: serve it by the view that checks and records access.")


class PrivateFileSystemStorage(FileSystemStorage):
    """Files under MEDIA_ROOT, readable by the service alone. A name is a UUID: what is saved under it stays its own."""

    def __init__(self, location: str | None = None) -> None:
        super().__init__(
            location=location,
            file_permissions_mode=0o600,
            directory_permissions_mode=0o700,
            allow_overwrite=True,
        )

    def url(self, name: str | None) -> NoReturn:
        """Refuse.

        Raises ``PrivateAddressError`` always.
        """
        raise PrivateAddressError(name)


def private_storage() -> Storage:
    """The storage of photographs and thumbnails. Its ``url()`` raises."""
    return default_storage


def signed_url(name: str) -> str | None:
    """An address of the bucket that works for a minute; None where there is no bucket. No view uses it yet: all stream
    the bytes."""
    signer = getattr(default_storage, "signed_url", None)
    return str(signer(name)) if signer else None
