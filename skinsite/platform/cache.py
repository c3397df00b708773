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

    def probe(self) -> bool:
        """Whether a value can be kept and had back; for a check of health. Raises what the server's client raises."""
        client = self._cache.get_client(write=True)
        client.set("health", "ok", ex=10)
        return bool(client.get("health") == b"ok")
