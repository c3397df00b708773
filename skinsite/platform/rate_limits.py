"""How often something may be done, counted over all processes and machines.

One atomic step decides and counts, so that however many ask at once, exactly the quota passes. The counts lie in the
shared cache where CACHE_URL names one, and otherwise, or while it is away, in the database. A window begins with the
first use and ends after its seconds; what is refused costs nothing. Around the end of a window twice the quota may pass
within its length.

In the database each step is a statement of its own, and is kept at once. Inside of a transaction it is kept or lost
with that, and holds back who else is counted under the same name: count before a transaction begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import caches
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.crypto import salted_hmac

from skinsite.platform.cache import ForgivingRedisCache
from skinsite.platform.models import RateCount
from skinsite.settings.rates import Rate

_NOW = {
    # To the millisecond, without `unixepoch('subsec')`, which SQLite has had since 3.42 alone.
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)",
}
# `excluded` is the row that would be new; its window begins now. Without a row in the answer the quota is spent.
_SPEND = """
INSERT INTO platform_ratecount AS kept (key, used, ends) VALUES (%(key)s, %(cost)s, {now} + %(milliseconds)s)
ON CONFLICT (key) DO UPDATE SET
  used = CASE WHEN kept.ends <= excluded.ends - %(milliseconds)s THEN excluded.used ELSE kept.used + excluded.used END,
  ends = CASE WHEN kept.ends <= excluded.ends - %(milliseconds)s THEN excluded.ends ELSE kept.ends END
WHERE kept.ends <= excluded.ends - %(milliseconds)s OR kept.used + excluded.used <= %(quota)s
RETURNING used, ends - {now}
"""
_LOOK = "SELECT used, ends - {now} FROM platform_ratecount WHERE key = %(key)s AND ends > {now}"
_GIVE_BACK = (
    "UPDATE platform_ratecount SET used = used - %(cost)s WHERE key = %(key)s AND used >= %(cost)s AND ends > {now}"
)
_SWEEP = "DELETE FROM platform_ratecount WHERE ends <= {now}"


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands with a limit: whether the use at hand ``passed``, and what is ``used`` of the rate's quota.

    ``seconds_left`` until the window ends are rounded up, and are the whole window where nothing is used.
    """

    name: str
    rate: Rate
    passed: bool
    used: int
    seconds_left: int

    @property
    def remaining(self) -> int:
        """Uses that are left in this window."""
        return max(0, self.rate.quota - self.used)


def spend(name: str, subject: object, *, cost: int = 1, using: str = DEFAULT_DB_ALIAS) -> Standing | None:
    """Count a use of the limit ``settings.RATE_LIMITS[name]`` by ``subject``, if it is still within the quota.

    ``subject`` is told from others by its words. None where the setting lifts the limit.
    """
    rate = settings.RATE_LIMITS[name]
    if rate is None:
        return None
    key = _key(name, subject)
    if cost > rate.quota:
        return _standing(name, rate, _look(key, using), passed=False)
    cache = _cache()
    if cache is not None and (told := cache.spend(key, cost=cost, quota=rate.quota, milliseconds=rate.seconds * 1000)):
        passed, used, milliseconds = told
        return _standing(name, rate, (used, milliseconds), passed=bool(passed))
    row = _ask(_SPEND, using, key=key, cost=cost, quota=rate.quota, milliseconds=rate.seconds * 1000)
    return _standing(name, rate, row or _look(key, using), passed=row is not None)


def spend_together(
    uses: Sequence[tuple[str, object]], *, cost: int = 1, using: str = DEFAULT_DB_ALIAS
) -> list[Standing]:
    """Count one use under several names, each with its subject; where one refuses, it is counted under none.

    The standing that refused comes last, and those after it are not asked; lifted limits are left out.
    """
    standings = []
    for name, subject in uses:
        standing = spend(name, subject, cost=cost, using=using)
        if standing is None:
            continue
        standings.append(standing)
        if not standing.passed:
            for earlier, other in uses[: uses.index((name, subject))]:
                if settings.RATE_LIMITS[earlier] is not None:
                    give_back(earlier, other, cost=cost, using=using)
            break
    return standings


def look(name: str, subject: object, *, using: str = DEFAULT_DB_ALIAS) -> Standing | None:
    """How ``subject`` stands, without counting: ``passed`` says whether one more use would."""
    rate = settings.RATE_LIMITS[name]
    if rate is None:
        return None
    found = _look(_key(name, subject), using)
    return _standing(name, rate, found, passed=found is None or found[0] < rate.quota)


def give_back(name: str, subject: object, *, cost: int = 1, using: str = DEFAULT_DB_ALIAS) -> None:
    """Take back a use that was counted and need not be: a sign-in that turned out to be right."""
    key, cache = _key(name, subject), _cache()
    if cache is not None and cache.give_back(key, cost=cost) is not None:
        return
    _run(_GIVE_BACK, using, key=key, cost=cost)


def forget(name: str, subject: object, *, using: str = DEFAULT_DB_ALIAS) -> None:
    """Begin anew with this subject, in the cache and in the database."""
    key, cache = _key(name, subject), _cache()
    if cache is not None:
        cache.forget_count(key)
    RateCount.objects.using(using).filter(pk=key).delete()


def sweep_counts(using: str = DEFAULT_DB_ALIAS) -> None:
    """Delete counts whose window is over."""
    _run(_SWEEP, using)


def _key(name: str, subject: object) -> str:
    return salted_hmac("skinsite.platform.rate_limits", f"{name}\0{subject}", algorithm="sha256").hexdigest()


def _cache() -> ForgivingRedisCache | None:
    cache = caches["default"]
    return cache if isinstance(cache, ForgivingRedisCache) else None


def _look(key: str, using: str) -> tuple[int, int] | None:
    """What is used, and the milliseconds that are left; None where no window runs."""
    cache = _cache()
    if cache is not None and (told := cache.look_at_count(key)):
        return told if told[1] > 0 else None
    return _ask(_LOOK, using, key=key)


def _standing(name: str, rate: Rate, found: tuple[int, int] | None, *, passed: bool) -> Standing:
    used, milliseconds = found or (0, rate.seconds * 1000)
    return Standing(name, rate, passed, used, min(rate.seconds, max(1, -(-milliseconds // 1000))))


def _ask(statement: str, using: str, **values: str | int) -> tuple[int, int] | None:
    with connections[using].cursor() as cursor:
        cursor.execute(statement.format(now=_NOW[connections[using].vendor]), values)
        rows = cursor.fetchall()  # all of it: SQLite writes once the answer has been read
    return (int(rows[0][0]), int(rows[0][1])) if rows else None


def _run(statement: str, using: str, **values: str | int) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(statement.format(now=_NOW[connections[using].vendor]), values)
