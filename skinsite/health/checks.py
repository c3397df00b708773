"""What the service itself stands on: database, append-only rows, storage, broker, clock."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from skinsite.accounts.demonstration import DEMO_REMEDY, has_refused_demo
from skinsite.audit.models import AuditEvent
from skinsite.audit.triggers import missing_triggers
from skinsite.celery import app as celery_app
from skinsite.health.registry import CheckResult, register_check
from skinsite.storage import private_storage

# A clock before this cannot be right: the code is younger.
_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
_TOLERATED = timedelta(minutes=2)
# One name for all, so that no probe that is cut short leaves anything behind; it stays, and is written over.
PROBE_NAME = "health/probe"
_PROBE = b"ok"


@register_check("database", remedy="Start the database, or correct DATABASE_URL.")
def check_database() -> CheckResult:
    """The database answers and every migration has run."""
    connection.ensure_connection()
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        return CheckResult(
            ok=False, detail=f"{len(waiting)} migrations have not run", remedy="Run `python manage.py migrate`."
        )
    return CheckResult(ok=True, detail=connection.vendor)


@register_check("append_only", needs="database")
def check_append_only() -> CheckResult:
    """The triggers that keep readings and the audit trail are there."""
    missing = missing_triggers()
    if missing:
        return CheckResult(
            ok=False,
            detail=f"missing triggers: {', '.join(missing)}",
            remedy="Run `python manage.py migrate`: it installs them again.",
        )
    return CheckResult(ok=True)


@register_check(
    "storage",
    remedy="Correct the variables S3_*; for local files let the service write to the folder media in SKINSITE_VAR.",
)
def check_storage() -> CheckResult:
    """A small object can be written and read."""
    # A second time, since another process may be writing it at the very moment of the first.
    same = any(_write_and_read(private_storage()) for _time in range(2))
    return CheckResult(
        ok=same, detail=settings.STORAGES["default"]["BACKEND"], remedy="" if same else "Check the storage's settings."
    )


def _write_and_read(storage: Storage) -> bool:
    storage.save(PROBE_NAME, ContentFile(_PROBE))
    with storage.open(PROBE_NAME) as stored:
        return bool(stored.read() == _PROBE)


@register_check("broker", remedy="Start the broker, or correct BROKER_URL.")
def check_broker() -> CheckResult:
    """The broker answers, where a worker does the readings."""
    if settings.PREDICTION_MODE != "celery":
        return CheckResult(ok=True, detail="not used: readings are made in the request")
    if not celery_app.conf.broker_write_url:
        return CheckResult(
            ok=False,
            detail="PREDICTION_MODE is celery, and BROKER_URL is not set",
            remedy="Set BROKER_URL, for example to redis://HOST:6379/0, or PREDICTION_MODE to synchronous.",
        )
    with celery_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=settings.BROKER_TIMEOUT_SECONDS)
    return CheckResult(ok=True, detail=broker.transport_cls if isinstance(broker.transport_cls, str) else "")


@register_check("demonstration", needed_for_ready=False, needs="database")
def check_demonstration() -> CheckResult:
    """No demonstration clinic lies in a database whose settings refuse one."""
    if has_refused_demo():
        return CheckResult(ok=False, detail="a demonstration clinic is in this database", remedy=DEMO_REMEDY)
    return CheckResult(ok=True, detail="allowed" if settings.DEMO_ALLOWED else "none")


@register_check("clock", needs="database")
def check_clock() -> CheckResult:
    """The clock is not behind what was recorded, nor away from the database's."""
    now = timezone.now()
    remedy = "Set this machine's clock, for example by NTP."
    if now < _EARLIEST:
        return CheckResult(ok=False, detail=f"it says {now:%Y-%m-%d}", remedy=remedy)
    last = AuditEvent.objects.order_by("-at").values_list("at", flat=True).first()
    if last and last - now > _TOLERATED:
        return CheckResult(ok=False, detail=f"the last recorded event is later: {last:%Y-%m-%d %H:%M}", remedy=remedy)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (theirs,) = cursor.fetchone()
        if abs(theirs - now) > _TOLERATED:
            return CheckResult(ok=False, detail=f"the database's clock says {theirs:%Y-%m-%d %H:%M}", remedy=remedy)
    return CheckResult(ok=True, detail=f"{now:%Y-%m-%d %H:%M} UTC")
