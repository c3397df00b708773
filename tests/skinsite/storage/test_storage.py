"""Where photographs lie: in files that only the service reads, or in a private bucket of a real S3 server."""

import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from skinsite.health.system_checks import check_media
from skinsite.settings.storages import describe_storages
from skinsite.storage.private import PrivateAddressError, PrivateFileSystemStorage, private_storage, signed_url

NAME = "images/6f1c0d0e-8a5e-4f0a-9a57-3b8f2f0f6a11.jpg"


def test_a_local_file_is_readable_by_the_service_alone(tmp_path: Path) -> None:
    storage = PrivateFileSystemStorage(location=str(tmp_path))
    assert storage.save(NAME, ContentFile(b"pixels")) == NAME
    path = Path(storage.path(NAME))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_name_stays_the_same_when_it_is_written_again(tmp_path: Path) -> None:
    storage = PrivateFileSystemStorage(location=str(tmp_path))
    storage.save(NAME, ContentFile(b"first, and longer"))
    assert storage.save(NAME, ContentFile(b"second")) == NAME
    with storage.open(NAME) as stored:
        assert stored.read() == b"second"


def test_a_path_outside_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SuspiciousFileOperation, match="path traversal"):
        PrivateFileSystemStorage(location=str(tmp_path)).save("../outside.jpg", ContentFile(b"x"))


def test_a_local_file_has_no_address() -> None:
    with pytest.raises(PrivateAddressError, match="has no address"):
        private_storage().url(NAME)
    assert signed_url(NAME) is None


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    """The address of an S3 server with an empty bucket ``photographs``."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=url, region_name="eu-central-1", aws_access_key_id="key", aws_secret_access_key="secret"
    )
    client.create_bucket(Bucket="photographs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    client.close()
    yield url
    server.stop()


@pytest.fixture
def bucket(s3_url: str, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Any:
    """The storage that the environment of a deployment with a bucket gives."""
    for name, value in {
        "S3_BUCKET": "photographs",
        "S3_ENDPOINT_URL": s3_url,
        "S3_REGION": "eu-central-1",
        "S3_ACCESS_KEY": "key",
        "S3_SECRET_KEY": "secret",
        "S3_ADDRESSING": "path",
    }.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = describe_storages()
    return storages["default"]


def test_a_bucket_keeps_what_is_saved(bucket: Any) -> None:
    assert bucket.save(NAME, ContentFile(b"pixels")) == NAME
    with bucket.open(NAME) as stored:
        assert stored.read() == b"pixels"
    assert bucket.exists(NAME)
    bucket.delete(NAME)
    assert not bucket.exists(NAME)


def test_an_object_of_a_bucket_has_no_lasting_address(bucket: Any) -> None:
    with pytest.raises(PrivateAddressError):
        bucket.url(NAME)


def test_a_signed_address_gives_the_bytes_for_at_most_a_minute(bucket: Any) -> None:
    bucket.save(NAME, ContentFile(b"pixels"))
    address = signed_url(NAME)
    assert address is not None
    assert "X-Amz-Signature=" in address
    assert "X-Amz-Expires=60" in address
    assert "X-Amz-Expires=60" in bucket.signed_url(NAME, seconds=3600)
    with urllib.request.urlopen(address) as response:  # noqa: S310 the server of this test
        assert response.read() == b"pixels"


def test_a_bucket_passes_the_system_check(bucket: Any) -> None:
    assert check_media() == []


@pytest.mark.parametrize(
    ("storage", "error"),
    [
        ({"BACKEND": "django.core.files.storage.FileSystemStorage"}, "skinsite.E003"),
        ({"BACKEND": "storages.backends.s3.S3Storage"}, "skinsite.E003"),
        (
            {"BACKEND": "skinsite.storage.bucket.PrivateS3Storage", "OPTIONS": {"querystring_auth": False}},
            "skinsite.E004",
        ),
        (
            {"BACKEND": "skinsite.storage.bucket.PrivateS3Storage", "OPTIONS": {"custom_domain": "cdn.example.org"}},
            "skinsite.E005",
        ),
    ],
)
def test_unsigned_photographs_do_not_start(settings: Settings, storage: dict[str, Any], error: str) -> None:
    settings.STORAGES = settings.STORAGES | {"default": storage}
    assert [message.id for message in check_media()] == [error]
