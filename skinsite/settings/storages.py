"""Where photographs and static files lie, as the environment says."""

from typing import Any

from skinsite.settings.env import env, refuse

# What the photographs of one clinic may take up, unless it has a limit of its own; 0 for no limit.
CLINIC_STORAGE_GIGABYTES = env.number("CLINIC_STORAGE_GIGABYTES", 100, minimum=0, maximum=1_000_000)
# Left free on the disk of photographs, for the database and for what is read: uploads are refused before.
FREE_DISK_BYTES = env.number("FREE_DISK_MEGABYTES", 500, minimum=5, maximum=1_000_000) * 1_000_000


def describe_storages(*, hashed_static: bool = False) -> dict[str, dict[str, Any]]:
    """Django's STORAGES: photographs in the bucket S3_BUCKET if it is named, in local files otherwise.

    With ``hashed_static`` static files are compressed and carry a hash in their name.
    """
    static = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    return {"default": _photographs(), "staticfiles": {"BACKEND": static if hashed_static else plain}}


def _photographs() -> dict[str, Any]:
    bucket, access_key, secret_key = (env.text(name) for name in ("S3_BUCKET", "S3_ACCESS_KEY", "S3_SECRET_KEY"))
    if bool(access_key) != bool(secret_key):
        refuse("S3_ACCESS_KEY", "and S3_SECRET_KEY belong together; set both, or neither.")
    if not bucket:
        # Photographs would lie in local files, against what was meant.
        if access_key or env.endpoint("S3_ENDPOINT_URL"):
            refuse("S3_BUCKET", "is not set, though other variables S3_* are; name the bucket, or remove them.")
        return {"BACKEND": "skinsite.storage.private.PrivateFileSystemStorage"}
    options = {
        "bucket_name": bucket,
        "endpoint_url": env.endpoint("S3_ENDPOINT_URL") or None,
        "region_name": env.text("S3_REGION") or None,
        "access_key": access_key or None,
        "secret_key": secret_key or None,
        "location": env.text("S3_PREFIX"),
        "addressing_style": env.choice("S3_ADDRESSING", "", ("auto", "path", "virtual")) or None,
        "signature_version": "s3v4",
        "querystring_auth": True,
        "default_acl": None,
        "file_overwrite": True,
        "object_parameters": {"CacheControl": "private, no-store"},
    }
    return {"BACKEND": "skinsite.storage.bucket.PrivateS3Storage", "OPTIONS": options}
