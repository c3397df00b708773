"""Where counts of requests are kept, as the environment says."""

from typing import Any

from skinsite.settings.env import env

# A request does not wait for a cache that hangs.
SECONDS = 1


def describe_caches() -> dict[str, dict[str, Any]]:
    """Django's CACHES: the server at CACHE_URL if it is named, the memory of each process otherwise."""
    address = env.redis("CACHE_URL")
    if not address:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    options = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS}
    return {
        "default": {"BACKEND": "skinsite.platform.cache.ForgivingRedisCache", "LOCATION": address, "OPTIONS": options}
    }
