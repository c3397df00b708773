"""What must never start: settings that contradict each other or would let something leak."""

import re
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import connection

from skinsite.accounts.demonstration import DEMO_REMEDY, has_refused_demo
from skinsite.audit.triggers import missing_triggers

PREDICTION_MODES = ("synchronous", "celery")
SHA256 = re.compile(r"[0-9a-f]{64}")
INFERENCE_RUNTIMES = ("auto", "onnx", "torchscript")


@register(Tags.security)
def check_secret(**_options: Any) -> list[CheckMessage]:
    """There is a secret key of some length."""
    if len(settings.SECRET_KEY) < 12:  # noqa: PLR2004 shorter cannot be meant
        return [Error("SECRET_KEY is missing or short.", hint="Set 50 random characters.", id="skinsite.E001")]
    return []


@register()
def check_time_limits(**_options: Any) -> list[CheckMessage]:
    """A task's soft limit is under its hard one, and that under the broker's visibility time-out."""
    soft, hard = settings.TASK_SOFT_SECONDS, settings.TASK_HARD_SECONDS
    visible = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout", 0)
    if 0 < soft < hard < visible:
        return []
    return [
        Error(
            f"Time limits of tasks contradict each other: soft {soft} s, hard {hard} s, visibility {visible} s.",
            hint="Set TASK_SOFT_SECONDS < TASK_HARD_SECONDS < TASK_VISIBILITY_SECONDS.",
            id="skinsite.E002",
        )
    ]


@register(Tags.security)
def check_media(**_options: Any) -> list[CheckMessage]:
    """No photograph has an address of its own: local files are not served, addresses of a bucket are signed."""
    errors: list[CheckMessage] = []
    storage = settings.STORAGES["default"]
    options: dict[str, Any] = storage.get("OPTIONS", {})
    if storage["BACKEND"] not in ("skinsite.storage.PrivateFileSystemStorage", "skinsite.bucket.PrivateS3Storage"):
        errors.append(
            Error(
                f"Photographs would lie in {storage['BACKEND']}, which hands out addresses.",
                hint="Use skinsite.storage.PrivateFileSystemStorage or skinsite.bucket.PrivateS3Storage.",
                id="skinsite.E003",
            )
        )
    if options.get("querystring_auth") is False or getattr(settings, "AWS_QUERYSTRING_AUTH", True) is False:
        errors.append(Error("Addresses of the bucket are not signed.", hint="Leave them signed.", id="skinsite.E004"))
    domain = options.get("custom_domain") or getattr(settings, "AWS_S3_CUSTOM_DOMAIN", None)
    if domain and not options.get("cloudfront_signer"):
        errors.append(
            Error(
                f"Photographs would be served unsigned from {domain}.",
                hint="Remove the custom domain, or configure a signer for it.",
                id="skinsite.E005",
            )
        )
    return errors


@register()
def check_modes(**_options: Any) -> list[CheckMessage]:
    """Words that choose between ways of working are ones that exist, and what they need is there."""
    errors: list[CheckMessage] = []
    if settings.PREDICTION_MODE not in PREDICTION_MODES:
        errors.append(
            Error(
                f"PREDICTION_MODE is {settings.PREDICTION_MODE!r}.",
                hint=f"One of: {', '.join(PREDICTION_MODES)}.",
                id="skinsite.E006",
            )
        )
    if settings.PREDICTION_MODE == "celery" and not settings.CELERY_BROKER_URL:
        errors.append(
            Error(
                "PREDICTION_MODE is celery, and there is no broker.",
                hint="Set BROKER_URL, such as redis://localhost:6379/0, or PREDICTION_MODE=synchronous.",
                id="skinsite.E007",
            )
        )
    if settings.INFERENCE_RUNTIME not in INFERENCE_RUNTIMES:
        errors.append(
            Error(
                f"INFERENCE_RUNTIME is {settings.INFERENCE_RUNTIME!r}.",
                hint=f"One of: {', '.join(INFERENCE_RUNTIMES)}.",
                id="skinsite.E008",
            )
        )
    wrong = [word for word in settings.TRUSTED_BUNDLES if not SHA256.fullmatch(word)]
    if wrong:
        errors.append(
            Error(
                f"TRUSTED_BUNDLES holds {wrong[0][:80]!r}.",
                hint="Give hashes of 64 hexadecimal digits, as register_model prints them, with commas between.",
                id="skinsite.E020",
            )
        )
    return errors


@register(Tags.database)
def check_triggers(databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
    """Append-only tables have their triggers.

    A warning and no error: `migrate` runs this check first, and is the remedy. The service is not ready without them.
    """
    return [
        CheckWarning(
            f"Database {alias} lacks triggers that keep rows as they are: {', '.join(missing)}.",
            hint="Run `python manage.py migrate`: it installs them again.",
            id="skinsite.W001",
        )
        for alias in databases or ()
        if (missing := missing_triggers(alias))
    ]


@register(Tags.database)
def check_demonstration(databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
    """No demonstration clinic lies in a database whose settings refuse one. Before the first migrate there is none."""
    if not databases or "accounts_clinic" not in connection.introspection.table_names() or not has_refused_demo():
        return []
    return [CheckWarning("A demonstration clinic is in this database.", hint=DEMO_REMEDY, id="skinsite.W002")]
