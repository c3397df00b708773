"""The shared cache, which nothing depends on: while its server is away, everything goes on as if nothing were kept."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import ConnectionError as LostConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as SilentError

from skinsite.platform.breaker import Breaker

_breaker = Breaker("cache")  # one for all threads, each of which has a client of its own
AWAY = object()
log = logging.getLogger(__name__)

# Each script runs as one step. What has no end gets one, so that no count stays for ever.
_SPEND = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
local passed = used + tonumber(ARGV[1]) <= tonumber(ARGV[2])
if passed then used = redis.call('INCRBY', KEYS[1], ARGV[1]) end
local left = redis.call('PTTL', KEYS[1])
if passed and left < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[3]); left = tonumber(ARGV[3]) end
return {passed and 1 or 0, used, left}
"""
_LOOK = "return {tonumber(redis.call('GET', KEYS[1]) or '0'), redis.call('PTTL', KEYS[1])}"
_GIVE_BACK = """
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then return 0 end
redis.call('DECRBY', KEYS[1], ARGV[1])
return 1
"""


def _forgiving(method: Callable[..., Any], otherwise: Any) -> Callable[..., Any]:
    """Make a client's method answer ``otherwise`` when the server cannot be asked."""

    def tried(client: RedisCacheClient, *arguments: Any, **named: Any) -> Any:
        if _breaker.is_open():
            return otherwise
        try:
            answer = method(client, *arguments, **named)
        except (LostConnectionError, SilentError, OSError) as error:
            _breaker.trip(error)
            return otherwise
        except RedisError as error:  # it answered, and refused this one command
            log.warning("The cache refused a command (%s: %s)", type(error).__name__, error)
            return otherwise
        _breaker.reset()
        return answer

    return tried


def _run(client: RedisCacheClient, script: str, key: str, *values: int) -> Any:
    return client.get_client(key, write=True).eval(script, 1, key, *values)


class _ForgivingClient(RedisCacheClient):
    """What cannot be asked for was not there, and what cannot be kept is lost."""

    add = _forgiving(RedisCacheClient.add, otherwise=False)
    set = _forgiving(RedisCacheClient.set, otherwise=None)
    touch = _forgiving(RedisCacheClient.touch, otherwise=False)
    delete = _forgiving(RedisCacheClient.delete, otherwise=False)
    get_many = _forgiving(RedisCacheClient.get_many, otherwise={})
    has_key = _forgiving(RedisCacheClient.has_key, otherwise=False)
    set_many = _forgiving(RedisCacheClient.set_many, otherwise=None)
    delete_many = _forgiving(RedisCacheClient.delete_many, otherwise=None)
    clear = _forgiving(RedisCacheClient.clear, otherwise=False)
    _get = _forgiving(RedisCacheClient.get, otherwise=AWAY)
    run = _forgiving(_run, otherwise=None)
    _incr = _forgiving(RedisCacheClient.incr, otherwise=AWAY)

    def get(self, key: str | bytes | memoryview, default: Any) -> Any:
        """The value, or the default."""
        value = self._get(key, default)
        return default if value is AWAY else value

    def incr(self, key: str | bytes | memoryview, delta: int) -> int:
        """Add to a number. Raises ``ValueError`` where there is none, as every cache does."""
        number = self._incr(key, delta)
        if number is AWAY:
            raise ValueError(f"Key {key!r} not found.")
        return int(number)


class ForgivingRedisCache(RedisCache):
    """Redis or Valkey as a cache that may be away."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _ForgivingClient

    def spend(self, key: str, *, cost: int, quota: int, milliseconds: int) -> tuple[int, int, int] | None:
        """Count a use if it is within the quota: whether it was, what is used now, and the milliseconds left of the
        window; None while the server is away."""
        told = self._run(_SPEND, key, cost, quota, milliseconds)
        return None if told is None else (int(told[0]), int(told[1]), int(told[2]))

    def look_at_count(self, key: str) -> tuple[int, int] | None:
        """What is used, and the milliseconds left (none or fewer without a window); None while the server is away."""
        told = self._run(_LOOK, key)
        return None if told is None else (int(told[0]), int(told[1]))

    def give_back(self, key: str, *, cost: int) -> bool | None:
        """Take back a use; whether there was one, and None while the server is away."""
        told = self._run(_GIVE_BACK, key, cost)
        return None if told is None else bool(told)

    def forget_count(self, key: str) -> None:
        """Let a window end."""
        self.delete(key)

    def _run(self, script: str, key: str, *values: int) -> Any:
        client: Any = self._cache  # Django's stubs know its own kind alone
        return client.run(script, self.make_and_validate_key(key), *values)

    def probe(self) -> bool:
        """Whether a value can be kept and had back; for a check of health. Raises what the server's client raises."""
        client = self._cache.get_client(write=True)
        client.set("health", "ok", ex=10)
        return bool(client.get("health") == b"ok")
