"""How often something may be done, by name; ``skinsite.platform.rate_limits`` counts."""

import re
from typing import NamedTuple

from skinsite.settings.env import env, refuse

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 24 * 3600}


class Rate(NamedTuple):
    """So many uses (``quota``) in so many ``seconds``."""

    quota: int
    seconds: int


def read_rate(name: str, default: str) -> Rate | None:
    """A rate such as ``120/minute`` from the environment; None without a limit.

    Raises ``ImproperlyConfigured`` for what is no rate.
    """
    rate = env.text(name, default).lower()
    if rate == "none":
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,8})/(second|minute|hour|day)", rate)
    if found is None:
        refuse(name, f"is {rate!r}; set a number per second, minute, hour or day, such as 120/minute, or none.")
    return Rate(int(found[1]), SECONDS[found[2]])


RATE_LIMITS: dict[str, Rate | None] = {}
