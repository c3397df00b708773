"""What the service itself stands on: database, append-only rows, storage, broker, workers, cache, clock."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.cache import caches
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.utils import timezone

from skinsite.accounts.demonstration import DEMO_REMEDY, has_refused_demo
from skinsite.accounts.selectors import superusers_with_memberships
from skinsite.audit.models import AuditEvent
from skinsite.audit.triggers import missing_triggers
from skinsite.health.models import CLOCK, Heartbeat
from skinsite.health.registry import CheckResult, register_check
from skinsite.platform.cache import ForgivingRedisCache
from skinsite.platform.celery import app as celery_app
from skinsite.platform.encoding import MAKE_ANEW, encoding_fault
from skinsite.storage.private import private_storage

# A clock before this cannot be right: the code is younger.
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
TOLERATED = timedelta(minutes=2)
RECENT_EVENTS = 100
# A clock sends every half minute what a worker then notes, and a worker may have much to do before.
LONGEST_WITHOUT_ROUND = timedelta(minutes=5)
# One name for all, so that no probe that is cut short leaves anything behind; it stays, and is written over.
PROBE_NAME = "health/probe"
PROBE = b"ok"


@register_check("database", remedy="Start the database, or correct DATABASE_URL.")
def check_database() -> CheckResult:
    """The database answers, keeps every letter, and every migration has run."""
    connection.ensure_connection()
    if fault := encoding_fault(connection):
        return CheckResult(ok=False, detail=fault, remedy=MAKE_ANEW)
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
    storage.save(PROBE_NAME, ContentFile(PROBE))
    with storage.open(PROBE_NAME) as stored:
        return bool(stored.read() == PROBE)


# Photographs are kept without it, and read once it is back: the service takes requests.
@register_check("broker", needed_for_ready=False, remedy="Start the broker, or correct BROKER_URL.")
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


@register_check("worker", needed_for_ready=False, needs="broker")
def check_worker() -> CheckResult:
    """Somebody takes what lies in the queue."""
    if settings.PREDICTION_MODE != "celery":
        return CheckResult(ok=True, detail="not used: readings are made in the request")
    answers = celery_app.control.ping(timeout=settings.BROKER_TIMEOUT_SECONDS)
    if not answers:
        remedy = "Start one: `celery --app skinsite worker`; look into its log if it runs."
        return CheckResult(ok=False, detail="no worker answers", remedy=remedy)
    return CheckResult(ok=True, detail=", ".join(sorted(name for answer in answers for name in answer)))


@register_check("schedule", needed_for_ready=False, needs="worker")
def check_schedule() -> CheckResult:
    """What is to be done every minute and every night is sent: a clock (Celery's beat) runs."""
    if settings.PREDICTION_MODE != "celery":
        return CheckResult(ok=True, detail="not used: cron runs process_queue and housekeep")
    remedy = "Start one clock, and one alone: `celery --app skinsite beat`."
    last = Heartbeat.objects.filter(name=CLOCK).first()
    if last is None:
        return CheckResult(ok=False, detail="no clock has ever sent anything", remedy=remedy)
    is_late = Heartbeat.objects.filter(name=CLOCK, at__lt=Now() - LONGEST_WITHOUT_ROUND).exists()
    return CheckResult(ok=not is_late, detail=f"it sent last at {last.at:%Y-%m-%d %H:%M:%S} UTC", remedy=remedy)


@register_check("cache", needed_for_ready=False, remedy="Start the cache, or correct or remove CACHE_URL.")
def check_cache() -> CheckResult:
    """The shared cache keeps what it is given; without it limits are counted in the database."""
    cache = caches["default"]
    if not isinstance(cache, ForgivingRedisCache):
        return CheckResult(ok=True, detail="not used: limits are counted in the database")
    return CheckResult(ok=cache.probe(), detail="shared", remedy="Let it keep what it is given: it may be full.")


@register_check("demonstration", needed_for_ready=False, needs="database")
def check_demonstration() -> CheckResult:
    """No demonstration clinic lies in a database whose settings refuse one."""
    if has_refused_demo():
        return CheckResult(ok=False, detail="a demonstration clinic is in this database", remedy=DEMO_REMEDY)
    return CheckResult(ok=True, detail="allowed" if settings.DEMO_ALLOWED else "none")


@register_check("superusers", needed_for_ready=False, needs="database")
def check_superusers() -> CheckResult:
    """Nobody who runs the site is a member of a clinic too."""
    both = [str(each.user.email) for each in superusers_with_memberships()]
    if both:
        remedy = "Such a membership gives no access. End it in the admin, and work in the clinic by another account."
        return CheckResult(ok=False, detail=f"superusers who are members: {', '.join(both)}", remedy=remedy)
    return CheckResult(ok=True)


@register_check("clock", needs="database")
def check_clock() -> CheckResult:
    """This machine's clock is not away from the database's."""
    now = timezone.now()
    remedy = "Set this machine's clock, for example by NTP."
    if now < EARLIEST:
        return CheckResult(ok=False, detail=f"it says {now:%Y-%m-%d}", remedy=remedy)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (theirs,) = cursor.fetchone()
        if abs(theirs - now) > TOLERATED:
            return CheckResult(ok=False, detail=f"the database's clock says {theirs:%Y-%m-%d %H:%M}", remedy=remedy)
    return CheckResult(ok=True, detail=f"{now:%Y-%m-%d %H:%M} UTC")


# It may be another machine's clock that was wrong, and what it wrote cannot be taken back: requests are taken.
@register_check("recorded_times", needed_for_ready=False, needs="clock")
def check_recorded_times() -> CheckResult:
    """Nothing of what was recorded last says that it happened in the future."""
    recent = AuditEvent.objects.order_by("-pk").values("at")[:RECENT_EVENTS]
    last = max((event["at"] for event in recent), default=None)
    if last is not None and last - timezone.now() > TOLERATED:
        return CheckResult(
            ok=False,
            detail=f"an event among the last {RECENT_EVENTS} says {last:%Y-%m-%d %H:%M}",
            remedy="Set the clocks of all machines, for example by NTP; this goes away as events are recorded.",
        )
    return CheckResult(ok=True)


@register_check("proxies", needed_for_ready=False)
def check_proxies() -> CheckResult:
    """Where a proxy ends HTTPS, it is known how many addresses of X-Forwarded-For are the proxies' to tell."""
    if settings.SECURE_PROXY_SSL_HEADER and not settings.PROXY_COUNT:
        detail = "behind a proxy, and everybody seems to come from its address"
        remedy = "Let the proxy set X-Forwarded-For, and set PROXY_COUNT; or BEHIND_PROXY=0 where there is none."
        return CheckResult(ok=False, detail=detail, remedy=remedy)
    return CheckResult(ok=True, detail=f"{settings.PROXY_COUNT} told of")
