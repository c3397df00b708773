"""What must never start: settings that contradict each other or would let something leak."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import connection, connections

from skinsite.accounts.demonstration import DEMO_REMEDY, has_refused_demo
from skinsite.audit.triggers import missing_triggers
from skinsite.health.files import CLOSE, COLLECT, database_fault, static_age_fault, static_fault
from skinsite.platform.encoding import MAKE_ANEW, encoding_fault
from skinsite.zones import zone_names

PRIVATE_STORAGES = ("skinsite.storage.private.PrivateFileSystemStorage", "skinsite.storage.bucket.PrivateS3Storage")


@register()
def check_default_time_zone(**_options: Any) -> list[CheckMessage]:
    """The time zone of clinics that have set none is one."""
    name = settings.DEFAULT_TIME_ZONE
    if name in zone_names():
        return []
    hint = "Set a name of IANA's list, such as Europe/Berlin, or leave it out for UTC."
    return [Error(f"DEFAULT_TIME_ZONE is {name!r}, which is no time zone.", hint=hint, id="skinsite.E020")]


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
    if storage["BACKEND"] not in PRIVATE_STORAGES:
        errors.append(
            Error(
                f"Photographs would lie in {storage['BACKEND']}, which hands out addresses.",
                hint=f"Use {' or '.join(PRIVATE_STORAGES)}.",
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
def check_broker(**_options: Any) -> list[CheckMessage]:
    """Where a worker makes the readings, there is a broker to tell it."""
    if settings.PREDICTION_MODE != "celery" or settings.CELERY_BROKER_URL:
        return []
    return [
        Error(
            "PREDICTION_MODE is celery, and there is no broker.",
            hint="Set BROKER_URL, such as redis://localhost:6379/0, or PREDICTION_MODE=synchronous.",
            id="skinsite.E007",
        )
    ]


@register(Tags.staticfiles, deploy=True)
def check_static_files(**_options: Any) -> list[CheckMessage]:
    """Static files are collected, and those of this code: without them pages are errors."""
    fault = static_fault() or static_age_fault()
    return [CheckWarning(f"{fault[0].upper()}{fault[1:]}.", hint=COLLECT, id="skinsite.W003")] if fault else []


@register(Tags.security, deploy=True)
def check_proxies(**_options: Any) -> list[CheckMessage]:
    """Where a proxy ends HTTPS, it is known how many addresses of X-Forwarded-For are the proxies' to tell."""
    if not settings.SECURE_PROXY_SSL_HEADER or settings.PROXY_COUNT:
        return []
    return [
        CheckWarning(
            "Behind a proxy everybody seems to come from one address: five wrong passwords lock everyone out.",
            hint="Let the proxy set X-Forwarded-For and set PROXY_COUNT=1, or BEHIND_PROXY=0 where there is none.",
            id="skinsite.W004",
        )
    ]


@register(Tags.security, deploy=True)
def check_private_database(**_options: Any) -> list[CheckMessage]:
    """A database that is a file is closed to other accounts of the machine."""
    fault = database_fault()
    return [CheckWarning(f"{fault[0].upper()}{fault[1:]}.", hint=CLOSE, id="skinsite.W005")] if fault else []


@register(Tags.database)
def check_encoding(databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
    """Databases keep every letter. `migrate` asks this first, and would stop half-way without."""
    faults = [fault for alias in databases or () if (fault := encoding_fault(connections[alias]))]
    return [Error(f"{fault[0].upper()}{fault[1:]}.", hint=MAKE_ANEW, id="skinsite.E021") for fault in faults]


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
