"""Where photographs and static files lie, as the environment says."""

from typing import Any

from skinsite.settings.env import env


def describe_storages(*, hashed_static: bool = False) -> dict[str, dict[str, Any]]:
    """Django's STORAGES: photographs in the bucket S3_BUCKET if it is named, in local files otherwise.

    With ``hashed_static`` static files are compressed and carry a hash in their name.
    """
    static = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    return {"default": _photographs(), "staticfiles": {"BACKEND": static if hashed_static else plain}}


def _photographs() -> dict[str, Any]:
    bucket = env.text("S3_BUCKET")
    if not bucket:
        return {"BACKEND": "skinsite.storage.PrivateFileSystemStorage"}
    options = {
        "bucket_name": bucket,
        "endpoint_url": env.text("S3_ENDPOINT_URL") or None,
        "region_name": env.text("S3_REGION") or None,
        "access_key": env.text("S3_ACCESS_KEY") or None,
        "secret_key": env.text("S3_SECRET_KEY") or None,
        "location": env.text("S3_PREFIX"),
        "addressing_style": env.text("S3_ADDRESSING") or None,
        "signature_version": "s3v4",
        "querystring_auth": True,
        "default_acl": None,
        "file_overwrite": True,
        "object_parameters": {"CacheControl": "private, no-store"},
    }
    return {"BACKEND": "skinsite.bucket.PrivateS3Storage", "OPTIONS": options}
