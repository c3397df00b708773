"""Where counts of requests are kept, as the environment says."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from skinsite.settings.env import env

# A request does not wait for a cache that hangs.
SECONDS = 1
SCHEMES = ("redis://", "rediss://", "unix://")


def describe_caches() -> dict[str, dict[str, Any]]:
    """Django's CACHES: the server at CACHE_URL if it is named, the memory of each process otherwise.

    Raises:
        ImproperlyConfigured: for an address of another kind.
    """
    address = env.text("CACHE_URL")
    if not address:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    if not address.startswith(SCHEMES):
        msg = f"CACHE_URL begins with {address.partition(':')[0][:20]!r}; set redis://HOST:6379/1, or nothing."
        raise ImproperlyConfigured(msg)
    options = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS}
    return {"default": {"BACKEND": "skinsite.cache.ForgivingRedisCache", "LOCATION": address, "OPTIONS": options}}
